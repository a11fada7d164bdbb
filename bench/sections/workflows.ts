/** What a workflow adds to the calls that it makes, with its journal on the disk; what runs that wait cost. */
import { type Effort, type Section, show } from '../figures.ts';
import { rssMegabytes } from '../process-figures.ts';
import { median, sleep } from '../statistics.ts';
import { startProxy, startStub, type Subject } from '../subjects.ts';

const CHAIN = 100;
const WIDE = 20;
const STEP_MS = 100;
const RUNS = 50;
const PLANNED = 100;
/** So many times as long is warmed up and measured what takes milliseconds. */
const BRIEF = 4;
/** No server of the bench is to be the limit. */
const ENTRY = { maxConcurrency: 2000, maxQueue: 2000 };

export async function measureWorkflows(effort: Effort): Promise<Section> {
  const subject = await startProxy({
    who: 'switchyard',
    carrier: 'stdio',
    servers: { quick: { carrier: 'stdio' }, slow: { carrier: 'stdio', delayMs: STEP_MS } },
    config: { workflows: { inline: 'allow' } },
    entry: ENTRY,
  });
  // What 100 ms are is told by the server: a timer of Node's ends late, and the answer has a way to go.
  const alone = await startStub({ carrier: 'stdio', delayMs: STEP_MS });
  /** @param often what takes little time is repeated more often. */
  const repeat = async (act: () => Promise<number>, often = 1): Promise<number> => {
    const warm = performance.now() + effort.warmUpMs * often;
    do await act();
    while (performance.now() < warm);
    const measured: number[] = [];
    for (let i = 0; i < effort.repetitions * often; i++) measured.push(await act());
    return median(measured);
  };
  const cold: number[] = [];
  for (let i = 0; i < effort.repetitions; i++) cold.push(await overhead(subject));
  const perStep = await repeat(() => overhead(subject), BRIEF);
  const wide = await repeat(async () => {
    const from = performance.now();
    await Promise.all(Array.from({ length: WIDE }, () => alone.client.call('echo', 'step')));
    return (performance.now() - from) / (await run(subject, parallel()));
  }, BRIEF);
  const sequences = await repeat(async () => {
    const from = performance.now();
    for (let i = 0; i < WIDE; i++) await alone.client.call('echo', 'step');
    const between = performance.now();
    await Promise.all(Array.from({ length: RUNS }, () => run(subject, chain(WIDE, 'slow__echo'))));
    return (between - from) / (performance.now() - between);
  });
  const atOnce = await repeat(async () => {
    const from = performance.now();
    await Promise.all(Array.from({ length: RUNS }, () => run(subject, parallel())));
    return performance.now() - from;
  });
  const planning = await repeat(() => plan(subject));
  const { runs } = effort;
  const waiting = await waitingRuns(subject, effort);
  await Promise.all([subject.stop(), alone.stop()]);
  return {
    table: {
      title: 'Workflows, with the journal',
      columns: ['figure', 'measured'],
      rows: [
        [`a step of a chain of ${CHAIN} beyond the call itself, ms`, show(perStep)],
        [`the same in the first ${effort.repetitions} runs of a proxy, ms`, show(median(cold))],
        [
          `${WIDE} parallel steps of ${STEP_MS} ms, efficiency (the server asked directly / the run)`,
          show(wide),
        ],
        [
          `${RUNS} runs at once of ${WIDE} steps of ${STEP_MS} ms one after the other, efficiency (likewise)`,
          show(sequences),
        ],
        [
          `${RUNS} runs at once of ${WIDE} parallel steps of ${STEP_MS} ms (${RUNS * WIDE} calls at once), ms`,
          show(atOnce),
        ],
        [`planning of ${PLANNED} steps, ms`, show(planning)],
        [`${runs} runs that wait for an approval, RSS MB more`, show(waiting)],
      ],
    },
    figures: {
      'workflow ms per step': perStep,
      'workflow 20 parallel steps, efficiency': wide,
      'workflow 50 runs, efficiency': sequences,
      'workflow plan of 100 steps, ms': planning,
      'workflow waiting runs, MB': waiting,
    },
  };
}

interface Definition {
  readonly steps: readonly object[];
}

/** Each step needs the one before. */
function chain(length: number, tool: string): Definition {
  return {
    steps: Array.from({ length }, (_, i) => ({
      id: `s${i}`,
      tool,
      with: { text: i === 0 ? 'start' : `\${{ steps.s${i - 1}.output }}` },
    })),
  };
}

function parallel(): Definition {
  const step = (_: unknown, i: number): object => ({
    id: `p${i}`,
    tool: 'slow__echo',
    with: { text: `${i}` },
  });
  return { steps: Array.from({ length: WIDE }, step) };
}

/** @returns milliseconds. */
async function run({ client }: Subject, workflow: Definition): Promise<number> {
  const from = performance.now();
  const { status } = await client.ask('run_workflow', { workflow });
  const ms = performance.now() - from;
  if (status !== 'succeeded') throw new Error(`a run ended as ${String(status)}`);
  return ms;
}

/** The same calls with and without the workflow around them. */
async function overhead(subject: Subject): Promise<number> {
  const from = performance.now();
  for (let i = 0; i < CHAIN; i++) await subject.client.call('quick__echo', 'start');
  const bare = performance.now() - from;
  return ((await run(subject, chain(CHAIN, 'quick__echo'))) - bare) / CHAIN;
}

async function plan({ client }: Subject): Promise<number> {
  const from = performance.now();
  const { valid } = await client.ask('run_workflow', {
    workflow: chain(PLANNED, 'quick__echo'),
    dry_run: true,
  });
  const ms = performance.now() - from;
  if (valid !== true) throw new Error('the plan is not valid');
  return ms;
}

async function waitingRuns({ client, pid }: Subject, { runs, restMs }: Effort): Promise<number> {
  await sleep(restMs);
  const before = rssMegabytes(pid);
  const workflow: Definition = {
    steps: [
      { id: 'ask', approve: { message: 'Shall it go on?' } },
      { id: 'go', after: ['ask'], tool: 'quick__echo', with: { text: 'gone' } },
    ],
  };
  for (let i = 0; i < runs; i++) {
    const { status } = await client.ask('run_workflow', { workflow });
    if (status !== 'needs_attention') throw new Error(`a run does not wait: ${String(status)}`);
  }
  await sleep(restMs);
  return rssMegabytes(pid) - before;
}
