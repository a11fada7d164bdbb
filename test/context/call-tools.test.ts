/** `call_read`, `call_write`, `call_destructive`: what a tool may do decides, and nothing is guessed. */
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { legacyHttpClient, type LegacyHttpClient } from '../relay/wire/clients.ts';
import type { Wire } from '../relay/wire/conversation.ts';
import { type Running, startHttpProxy } from '../relay/wire/proxies.ts';
import { manyServers, manyTools } from './many-tools.ts';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const tools = manyTools();
const ledger = join(mkdtempSync(join(tmpdir(), 'switchyard-ledger-')), 'calls.txt');
const VARIANTS = ['read', 'write', 'destructive'] as const;

let proxy: Running;
let client: LegacyHttpClient;
beforeAll(async () => {
  writeFileSync(ledger, '');
  proxy = await startHttpProxy({
    mcpServers: manyServers({ ledger }),
    expose: { namespaces: 'always' },
  });
  client = await legacyHttpClient(`${proxy.url}/search`);
  await client.request('tools/list');
});
afterAll(async () => {
  await client.leave();
  await proxy.stop();
});

function arrived(): string[] {
  return readFileSync(ledger, 'utf8').split('\n').filter(Boolean);
}

function textOf(result: Wire): string {
  return result['content'].map(({ text }: Wire) => String(text)).join('\n');
}

test('each of 279 tools runs by the calls that are strong enough, and nothing is sent by the others', async () => {
  const allowed: string[] = [];
  const refused: string[] = [];
  for (const { server, name, needs } of tools)
    for (const variant of VARIANTS) {
      const before = arrived().length;
      const result = await client.call(`call_${variant}`, {
        tool: `${server}__${name}`,
        args: { id: '7' },
      });
      const sent = arrived().slice(before);
      const isStrong = VARIANTS.indexOf(variant) >= VARIANTS.indexOf(needs);
      if (isStrong) {
        expect(sent).toEqual([`${server} ${name}`]);
        expect(JSON.parse(textOf(result))).toMatchObject({ name, args: { id: '7' } });
        allowed.push(name);
      } else {
        expect(sent).toEqual([]);
        expect(result['isError']).toBe(true);
        expect(textOf(result)).toContain(`Call it with call_${needs}.`);
        refused.push(name);
      }
    }
  expect(allowed.length + refused.length).toBe(837);
});

/** A tool that only reads, so that no class stands in the way of a wrong target. */
const [reading] = tools.filter(({ needs }) => needs === 'read');
const SERVER = reading?.server ?? '';
const OWN = reading?.name ?? '';
const NAME = `${SERVER}__${OWN}`;
const MALFORMED: readonly (readonly [what: string, args: Wire])[] = [
  ['nothing', {}],
  ['no tool', { args: { id: '1' } }],
  ['an empty tool', { tool: '', args: {} }],
  ['a number for a tool', { tool: 7, args: {} }],
  ['null for a tool', { tool: null, args: {} }],
  ['a list of tools', { tool: [NAME], args: {} }],
  ['an object for a tool', { tool: { name: NAME }, args: {} }],
  ['the name as "name"', { name: NAME, args: {} }],
  ['the name as "name" and "arguments"', { name: NAME, arguments: {} }],
  ['"arguments" beside the tool', { tool: NAME, arguments: { id: '1' } }],
  ['arguments beside the tool', { tool: NAME, id: '1' }],
  ['arguments beside "args"', { tool: NAME, args: {}, id: '1' }],
  ['the name within the arguments', { args: { tool: NAME, args: { id: '1' } } }],
  ['the whole call within the arguments', { tool: NAME, args: { tool: NAME, args: { id: '1' } } }],
  ['another call within the arguments', { tool: NAME, args: { name: NAME, arguments: { id: '1' } } }],
  ['a list for arguments', { tool: NAME, args: ['1'] }],
  ['a number for arguments', { tool: NAME, args: 1 }],
  ['null for arguments', { tool: NAME, args: null }],
  ['true for arguments', { tool: NAME, args: true }],
  ['a text that is no JSON', { tool: NAME, args: 'id=1' }],
  ['an empty text', { tool: NAME, args: '' }],
  ['a JSON list as text', { tool: NAME, args: '["1"]' }],
  ['a JSON number as text', { tool: NAME, args: '1' }],
  ['cut JSON as text', { tool: NAME, args: '{"id":"1"' }],
  ['two JSON texts in one', { tool: NAME, args: '{"id":"1"}{"id":"2"}' }],
  ['the name in capitals', { tool: NAME.toUpperCase(), args: { id: '1' } }],
  [
    'the name in another case',
    { tool: NAME.replace('_', '_').replace(OWN, OWN[0]?.toUpperCase() + OWN.slice(1)) },
  ],
  ["the server's own name", { tool: OWN, args: { id: '1' } }],
  ['a single underscore', { tool: NAME.replace('__', '_'), args: { id: '1' } }],
  ['a dot', { tool: NAME.replace('__', '.'), args: { id: '1' } }],
  ['a slash', { tool: NAME.replace('__', '/'), args: { id: '1' } }],
  ["the client's prefix", { tool: `mcp__switchyard__${NAME}`, args: { id: '1' } }],
  ['a space before', { tool: ` ${NAME}`, args: { id: '1' } }],
  ['a line break behind', { tool: `${NAME}\n`, args: { id: '1' } }],
  ['a part of a name', { tool: NAME.slice(0, -1), args: { id: '1' } }],
  ['more than a name', { tool: `${NAME}0`, args: { id: '1' } }],
  ['a call of the call itself', { tool: 'call_read', args: { tool: NAME, args: { id: '1' } } }],
  ['a call of a stronger call', { tool: 'call_destructive', args: { tool: NAME, args: { id: '1' } } }],
  ['the search', { tool: 'find_tools', args: { query: NAME } }],
  ['a workflow by a call that only reads', { tool: 'run_workflow', args: { workflow: { steps: [] } } }],
  ['a name of Object', { tool: 'constructor', args: { id: '1' } }],
];

test('40 malformed calls reach no tool, and each is told what to do instead', async () => {
  const before = arrived().length;
  for (const [what, args] of MALFORMED) {
    const result = await client.call('call_read', args);
    expect(result['isError'], what).toBe(true);
    expect(textOf(result), what).toMatch(
      /"tool"|near it|find_tools|directly|call_destructive|There is no tool/,
    );
  }
  expect(arrived().slice(before)).toEqual([]);
  expect(MALFORMED.length).toBeGreaterThanOrEqual(40);
});

test('arguments that come as a text of JSON arrive as what they say, numbers to the last digit', async () => {
  const result = await client.call('call_read', { tool: NAME, args: '{"id":"a","n":12345678901234567890}' });
  expect(textOf(result)).toContain('"id":"a"');
  expect(arrived().at(-1)).toBe(`${SERVER} ${OWN}`);
});

test('a call without "args" is a call without arguments', async () => {
  const result = await client.call('call_read', { tool: NAME });
  expect(JSON.parse(textOf(result))).toMatchObject({ name: OWN, args: {} });
});

test('the list is short, and every hidden tool is still called by its own name', async () => {
  const { tools: listed } = await client.request('tools/list');
  expect(listed.map(({ name }: Wire) => name as string)).toEqual([
    'run_workflow',
    'find_tools',
    'describe_tools',
    'call_read',
    'call_write',
    'call_destructive',
    'read_result',
  ]);
  const result = await client.call(NAME, { id: '3' });
  expect(JSON.parse(textOf(result))).toMatchObject({ name: OWN });
});

test('a search finds a tool by words, by its name, and with the prefix of a client', async () => {
  const wanted = 'server-4__create_file_22';
  const target = tools.find(({ name }) => name.startsWith('create_file_'));
  const name = `${target?.server}__${target?.name}`;
  for (const query of ['create a file', name, `mcp__switchyard__${name}`, target?.name ?? wanted]) {
    const result = await client.call('find_tools', { query });
    expect(textOf(result).split('\n').slice(0, 5).join('\n')).toContain(`${name}(`);
  }
});

test('a description gives the whole definition, with its class', async () => {
  const result = await client.call('describe_tools', { tools: [NAME, 'no__such'] });
  expect(textOf(result)).toContain('"deep":{"type":"boolean"}');
  expect(textOf(result)).toContain('[read]');
  expect(textOf(result)).toContain('There is no tool "no__such"');
});
