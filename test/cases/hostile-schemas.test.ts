/** Schemas of servers are data here: nothing of them runs, and nothing that they point at is fetched. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, test } from 'vitest';
import { watched } from './loop-watch.ts';
import { server, startProxy, textOf } from '../harness/proxy.ts';
import { until } from '../harness/until.ts';

/** Takes minutes on a text of thirty characters. */
const ENDLESS = '^(a|a)*$';
const VICTIM = 'a'.repeat(60) + '!';
const SHORTLY_MS = 100;

function tool(name: string, parts: Readonly<Record<string, unknown>>): string {
  return JSON.stringify({ name, inputSchema: { type: 'object' }, ...parts });
}

/** Twice as many ways on each of its levels. */
function doubling(levels: number): Record<string, unknown> {
  const $defs: Record<string, unknown> = { l0: { type: 'object' } };
  for (let level = 1; level <= levels; level++)
    $defs[`l${level}`] = { allOf: [{ $ref: `#/$defs/l${level - 1}` }, { $ref: `#/$defs/l${level - 1}` }] };
  return { type: 'object', $defs, allOf: [{ $ref: `#/$defs/l${levels}` }] };
}

describe('a schema that would take for ever to check', () => {
  test('C03 C04 a pattern for arguments or results is passed on and not run', async () => {
    const schema = { type: 'object', properties: { text: { type: 'string', pattern: ENDLESS } } };
    const { proxy, start, longestMs } = await watched({
      a: server({
        names: ['echo'],
        toolTexts: [tool('in', { inputSchema: schema }), tool('out', { outputSchema: schema })],
      }),
    });
    const list = async (): Promise<unknown> => (await proxy.request('tools/list')).result?.['tools'];
    expect(await list()).toContainEqual(expect.objectContaining({ name: 'in', inputSchema: schema }));
    // Nobody waits for the thread that compiles it.
    await until('the output schema', async () =>
      JSON.stringify(await list()).includes(JSON.stringify({ outputSchema: schema }).slice(1, -1)),
    );
    expect(await list()).toContainEqual(expect.objectContaining({ name: 'out', outputSchema: schema }));
    await start();
    for (const name of ['in', 'out'])
      expect(JSON.parse(textOf(await proxy.call(name, { text: VICTIM })))).toEqual({
        called: name,
        args: { text: VICTIM },
      });
    expect(longestMs()).toBeLessThan(SHORTLY_MS);
  });

  test('C03 a pattern is not run either where a workflow’s arguments are checked: the tool has the last word', async () => {
    const schema = {
      type: 'object',
      properties: { text: { type: 'string', pattern: '^never$' }, n: { type: 'integer' } },
    };
    // Not counted: open files. The engine is loaded on the way.
    const proxy = await startProxy(
      { a: server({ names: ['echo'], toolTexts: [tool('in', { inputSchema: schema })] }) },
      { unready: true },
    );
    await proxy.greet();
    expect(await proxy.toolNames()).toContain('in');
    const plan = async (args: object): Promise<string> =>
      textOf(
        await proxy.call('run_workflow', {
          workflow: { steps: [{ id: 'one', tool: 'in', with: args }] },
          dry_run: true,
        }),
      );
    expect(JSON.parse(await plan({ text: VICTIM }))).toMatchObject({ valid: true });
    expect(JSON.parse(await plan({ text: VICTIM, n: 'x' }))).toMatchObject({ valid: false });
  });

  test('C05 20,000 properties, or doubling at each of 40 levels: listed, called, and nobody waits', async () => {
    const { proxy, start, longestMs } = await watched({
      a: server({
        wide: 20_000,
        names: ['echo', 'changedStorm'],
        toolTexts: [tool('doubling', { inputSchema: doubling(40), outputSchema: doubling(40) })],
      }),
      b: server(),
    });
    expect(await proxy.toolNames()).toEqual(expect.arrayContaining(['a__wide', 'a__doubling', 'b__echo']));
    await start();
    await proxy.call('a__changedStorm', { count: 1 });
    expect(textOf(await proxy.call('a__doubling', { text: VICTIM }))).toContain('doubling');
    expect(textOf(await proxy.call('a__wide', { p1: VICTIM }))).toContain('wide');
    expect(textOf(await proxy.call('b__echo', { n: 1 }))).toBe('{"n":1}');
    expect(longestMs()).toBeLessThan(2 * SHORTLY_MS);
  });
});

describe('a schema that points elsewhere', () => {
  test('C06 to another host, or at itself: nobody is asked, and the tool stays', async () => {
    let hits = 0;
    const listener = createServer((_, response) => {
      hits++;
      response.end('{}');
    });
    await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(listener.address() as AddressInfo).port}/schema.json`;
    const elsewhere = { type: 'object', $id: url, properties: { x: { $ref: url } }, $schema: url };
    const itself = { type: 'object', properties: { x: { $ref: '#' } }, allOf: [{ $ref: '#' }] };
    const proxy = await startProxy({
      a: server({
        names: ['echo'],
        toolTexts: [
          tool('elsewhere', { inputSchema: elsewhere, outputSchema: elsewhere }),
          tool('itself', { inputSchema: itself, outputSchema: itself }),
        ],
      }),
    });
    expect(await proxy.toolNames()).toEqual(['echo', 'elsewhere', 'itself']);
    for (const name of ['elsewhere', 'itself'])
      expect(textOf(await proxy.call(name, { x: { x: {} } }))).toContain(name);
    expect(hits).toBe(0);
    await new Promise((resolve) => listener.close(resolve));
  });
});
