/** A thousand runs that wait for approvals: what they hold in memory, and what becomes of them when the proxy dies. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import type { RunView } from '../../src/workflow/run-view.ts';
import type { RpcMessage } from '../harness/ledger.ts';
import { memoryOf } from '../harness/processes.ts';
import { type ProxyUnderTest, startProxy } from '../harness/proxy.ts';
import { temporaryFolder } from '../harness/temp-folder.ts';
import { ledgerOf } from '../fixtures/workflow/kill-cases.ts';
import { storeJournal } from '../fixtures/workflow/store-journal.ts';
import { bench, type Bench, clientNamed } from './bench-of-tools.ts';

const RUNS = 1000;
/** Its definition, what was compiled of it, its steps and its question. So a thousand stay below 32 MB. */
const MOST_KILOBYTES = 32;

const workflow = {
  steps: [
    { id: 'ok', approve: { message: 'Shall it go on?', by: 'caller' } },
    { id: 'go', after: ['ok'], tool: 'write', with: { key: '${{ input.n }}' } },
  ],
  input: { type: 'object', properties: { n: { type: 'integer' } } },
};

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** What is really held, in KB: garbage is collected first. */
function held(): number {
  collect();
  return process.memoryUsage().heapUsed / 1024;
}

test(`${RUNS} runs that wait hold at most ${MOST_KILOBYTES} KB each, before and after a restart, and nothing when they have ended`, async () => {
  const ann = { client: clientNamed('ann') };
  const tools = { write: { run: () => ({}) } };
  const start = async (stateDir?: string): Promise<Bench> => {
    const b = bench(tools, { openJournal: storeJournal, ...(stateDir !== undefined && { stateDir }) });
    await b.workflows.start();
    return b;
  };
  const begin = async ({ workflows }: Bench, n: number): Promise<RunView> =>
    await workflows.run({ workflow, input: { n }, wait: true }, ann);

  const first = await start();
  // What is loaded and compiled once is no run's.
  for (let n = 0; n < 20; n++) await first.workflows.cancel((await begin(first, n)).run_id, ann);
  const nothing = held();
  for (let n = 0; n < RUNS; n++) expect((await begin(first, n)).status).toBe('needs_attention');
  expect((held() - nothing) / RUNS).toBeLessThan(MOST_KILOBYTES);
  await first.workflows.close();

  const second = await start(first.stateDir);
  const waiting = await second.workflows.list({ status: 'needs_attention', limit: RUNS }, ann);
  expect(waiting).toHaveLength(RUNS);
  expect((held() - nothing) / RUNS).toBeLessThan(MOST_KILOBYTES);
  for (const { run_id } of waiting)
    await second.workflows.resume({ runId: run_id, decision: 'approve' }, ann);
  expect(await second.workflows.list({ status: 'needs_attention' }, ann)).toEqual([]);
  expect(new Set(second.calls.map(({ args }) => (args as { key: number }).key)).size).toBe(RUNS);
  expect((held() - nothing) / RUNS).toBeLessThan(2);
  await second.close();
}, 60_000);

test(`${RUNS} runs that wait outlive the SIGKILL of their proxy: all wait again, and go on once`, async () => {
  const folder = temporaryFolder('case');
  const script = fileURLToPath(new URL('../fixtures/servers/ledger-server.mjs', import.meta.url));
  const start = async (): Promise<ProxyUnderTest> => {
    const config = { workflows: { inline: 'allow' }, expose: { namespaces: 'none' } };
    const desk = { command: process.execPath, args: [script, 'desk', folder, 'write'] };
    const proxy = await startProxy({ desk }, { folder, config, unready: true });
    await proxy.greet();
    await proxy.toolNames();
    return proxy;
  };
  const said = ({ result }: RpcMessage): Record<string, unknown> =>
    result?.['structuredContent'] as Record<string, unknown>;
  const waiting = async (proxy: ProxyUnderTest): Promise<string[]> => {
    const answer = await proxy.call('workflow_runs', { status: 'needs_attention', limit: RUNS }, 20_000);
    return (said(answer)['runs'] as { run_id: string }[]).map(({ run_id }) => run_id);
  };

  const first = await start();
  await first.call('run_workflow', { workflow, input: { n: 0 } });
  const before = memoryOf(first.pid);
  // Some at a time: only those at work are counted against the limit.
  for (let n = 1; n < RUNS; n += 37)
    await Promise.all(
      Array.from({ length: Math.min(37, RUNS - n) }, async (_, i) =>
        first.call('run_workflow', { workflow, input: { n: n + i } }, 20_000),
      ),
    );
  const began = await waiting(first);
  expect(began).toHaveLength(RUNS);
  // Resident, and therefore with the garbage between two collections.
  expect(memoryOf(first.pid) - before).toBeLessThan(150);
  first.child.kill('SIGKILL');
  await first.exited;

  const second = await start();
  expect((await waiting(second)).toSorted()).toEqual(began.toSorted());
  expect(ledgerOf(folder)).toEqual([]);
  const some = [began[0], began[RUNS / 2], began[RUNS - 1]];
  for (const run_id of some)
    expect(said(await second.call('resume_workflow', { run_id, decision: 'approve' }))).toMatchObject({
      status: 'succeeded',
    });
  expect(ledgerOf(folder)).toHaveLength(some.length);
  expect(await waiting(second)).toHaveLength(RUNS - some.length);
}, 60_000);
