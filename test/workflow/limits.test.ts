/** What a run may take at a time and in all: the defaults, what a definition says, and what the config says. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, test } from 'vitest';
import type { RpcMessage } from '../harness/ledger.ts';
import { type Entry, type ProxyUnderTest, startProxy, textOf } from '../harness/proxy.ts';
import { temporaryFolder } from '../harness/temp-folder.ts';
import { until } from '../harness/until.ts';
import { storeJournal } from '../fixtures/workflow/store-journal.ts';
import { bench, type Bench, clientNamed, type ToolSpec } from './bench-of-tools.ts';

const open: Bench[] = [];
afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
});

describe('concurrency', () => {
  /** Tells how many are in it at most, and lets them go when no more come. */
  function crowd(): { readonly tool: ToolSpec; readonly most: () => number } {
    let [inside, most] = [0, 0];
    const run = async (): Promise<object> => {
      most = Math.max(most, ++inside);
      // All that may begin have begun after these turns of the loop.
      for (let turn = 0; turn < 50; turn++) await new Promise((next) => setImmediate(next));
      inside--;
      return {};
    };
    return { tool: { run, safe: true }, most: () => most };
  }

  async function most(workflow: object): Promise<number> {
    const { tool, most: seen } = crowd();
    const b = bench({ crowd: tool }, { openJournal: storeJournal });
    open.push(b);
    await b.workflows.start();
    const who = { client: clientNamed('ann') };
    expect(await b.workflows.run({ workflow, input: {}, wait: true }, who)).toMatchObject({
      status: 'succeeded',
    });
    return seen();
  }

  const steps = Array.from({ length: 100 }, (_, index) => ({ id: `s${index}`, tool: 'crowd' }));
  const list = { id: 'e', tool: 'crowd', foreach: '[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20]' };

  test('is 32 steps of a run and 5 items of a list, where the definition says nothing', async () => {
    expect(await most({ steps })).toBe(32);
    expect(await most({ steps: [list] })).toBe(5);
  });

  test('is what the definition says', async () => {
    expect(await most({ concurrency: 7, steps })).toBe(7);
    expect(await most({ steps: [{ ...list, concurrency: 11 }] })).toBe(11);
  });
});

describe('the limits of workflows', () => {
  const SERVER = fileURLToPath(new URL('../fixtures/servers/ledger-server.mjs', import.meta.url));
  const read = (key: string, more: Entry = {}): Entry => ({ id: key, tool: 'read', with: { key }, ...more });

  interface Limited {
    readonly proxy: ProxyUnderTest;
    readonly run: (workflow: unknown, more?: Entry) => Promise<RpcMessage>;
    readonly ran: () => string;
  }

  async function limited(
    limits: Entry,
    folder = temporaryFolder('case'),
    files: readonly string[] = [],
  ): Promise<Limited> {
    const config = { workflows: { inline: 'allow', limits, files }, expose: { namespaces: 'none' } };
    const desk = { command: process.execPath, args: [SERVER, 'desk', folder, 'read'] };
    const proxy = await startProxy({ desk }, { folder, config, unready: true });
    await proxy.greet();
    await proxy.toolNames();
    const ledger = join(folder, 'ledger');
    return {
      proxy,
      run: async (workflow, more) => await proxy.call('run_workflow', { workflow, ...more }),
      ran: () => (existsSync(ledger) ? readFileSync(ledger, 'utf8') : ''),
    };
  }

  function said({ result }: RpcMessage): Entry {
    return result?.['structuredContent'] as Entry;
  }

  test('a list of more than 10,000 items fails its step before the first item', async () => {
    const { run, ran } = await limited({});
    const input = { type: 'object', properties: { list: {} } };
    const workflow = { steps: [read('e', { foreach: 'input.list' })], input };
    const each = (length: number): Promise<RpcMessage> =>
      run(workflow, { input: { list: Array.from({ length }, () => 1) } });
    expect(textOf(await each(10_001))).toContain('at most 10000');
    expect(ran()).toBe('');
    expect(said(await each(2))).toMatchObject({ status: 'succeeded' });
  });

  test('"resultBytes": the step that brings more fails, and what needs it is not called', async () => {
    const { run, ran } = await limited({ resultBytes: 300 });
    // The tool sends its arguments back.
    const key = 'k'.repeat(300);
    const steps = [read('a', { with: { key } }), read('b', { after: ['a'] })];
    expect(said(await run({ steps }))).toMatchObject({
      status: 'failed',
      error: { step: 'a' },
      steps: { a: { error: { code: 'RESULT_TOO_LARGE' } }, b: { status: 'skipped' } },
    });
    expect(ran().split('\n')).toEqual([`${key} read desk`, '']);
  });

  test('"runs": one more at work is refused as BUSY, and taken when there is room', async () => {
    const { proxy, run, ran } = await limited({ runs: 1 });
    const long = said(
      await run({ steps: [read('long', { with: { key: 'long', ms: 60_000 } })] }, { wait: false }),
    );
    await until('the call', () => ran().includes('long'));
    const refused = await run({ steps: [read('more')] });
    expect(textOf(refused)).toContain('1 workflows are running already');
    await proxy.call('cancel_workflow', { run_id: long['run_id'] });
    expect(said(await run({ steps: [read('more')] }))).toMatchObject({ status: 'succeeded' });
  });

  test('workflows nested more deeply are refused before the first call', async () => {
    const folder = temporaryFolder('case');
    mkdirSync(join(folder, 'flows'));
    const write = (level: number, step: string): void =>
      writeFileSync(join(folder, 'flows', `w${level}.yaml`), `steps: [{ id: a, ${step} }]`);
    for (let level = 1; level < 9; level++) write(level, `workflow: w${level + 1}`);
    write(9, 'tool: read, with: { key: deep }');
    const { run, ran } = await limited({}, folder, ['./flows/*.yaml']);
    expect(textOf(await run('w1'))).toContain('nested more than 8 deep');
    expect(ran()).toBe('');
    expect(said(await run('w2'))).toMatchObject({ status: 'succeeded' });
  });

  test('"keptRuns": the next start keeps so many that have ended, and all that wait', async () => {
    const first = await limited({ keptRuns: 1 });
    const waits = { steps: [{ id: 'ok', approve: { message: 'go?' } }] };
    const ids: unknown[] = [said(await first.run(waits))['run_id']];
    for (const key of ['a', 'b', 'c']) ids.push(said(await first.run({ steps: [read(key)] }))['run_id']);
    expect(await first.proxy.stop()).toBe(0);

    const { proxy } = await limited({ keptRuns: 1 }, first.proxy.folder);
    const runs = said(await proxy.call('workflow_runs'))['runs'] as { run_id: string; status: string }[];
    expect(runs.map(({ run_id, status }) => ({ run_id, status }))).toEqual([
      { run_id: ids[3], status: 'succeeded' },
      { run_id: ids[0], status: 'needs_attention' },
    ]);
  });
});
