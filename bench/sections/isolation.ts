/** Calls on nine healthy servers while a tenth hangs and another floods us with messages that nobody wants. */
import { type Effort, type Section, show } from '../figures.ts';
import { load } from '../load.ts';
import { median, percentile, sleep } from '../statistics.ts';
import { startProxy, type StubOptions, type Subject } from '../subjects.ts';

const HANGING_CALLS = 8;
const HEALTHY = 9;

export async function measureIsolation(effort: Effort): Promise<Section> {
  const calm = await startProxy({ who: 'switchyard', carrier: 'stdio', servers: servers('echo', 'echo') });
  const troubled = await startProxy({
    who: 'switchyard',
    carrier: 'stdio',
    servers: servers('hang', 'flood'),
  });
  await sleep(1000);
  for (let i = 0; i < HANGING_CALLS; i++) void troubled.client.callLarge('tenth__echo', '"hangs"');
  const p99s: [calm: number[], troubled: number[]] = [[], []];
  for (const subject of [calm, troubled]) await p99(subject, effort.warmUpMs);
  for (let round = 0; round < effort.repetitions; round++) {
    p99s[0].push(await p99(calm, effort.loadMs));
    p99s[1].push(await p99(troubled, effort.loadMs));
  }
  await Promise.all([calm.stop(), troubled.stop()]);
  const ratio = median(p99s[1].map((value, i) => value / (p99s[0][i] ?? NaN)));
  return {
    table: {
      title: `Isolation: p99 of ${HEALTHY} healthy servers, a caller each, with one hanging and one flooding server beside them`,
      columns: ['all healthy, µs', 'with trouble, µs', 'ratio'],
      rows: [[show(median(p99s[0])), show(median(p99s[1])), show(ratio)]],
    },
    figures: { 'isolation p99': ratio },
  };
}

async function p99({ client }: Subject, ms: number): Promise<number> {
  const loads = Array.from({ length: HEALTHY }, (_, i) =>
    load({ client, tool: `s${i}__echo`, callers: 1, ms }),
  );
  return percentile(
    (await Promise.all(loads)).flatMap(({ micros }) => micros),
    99,
  );
}

function servers(
  tenth: StubOptions['behaviour'],
  other: StubOptions['behaviour'],
): Readonly<Record<string, StubOptions>> {
  const stub = (behaviour: StubOptions['behaviour']): StubOptions => ({
    carrier: 'stdio',
    ...(behaviour && { behaviour }),
  });
  const healthy = Array.from({ length: HEALTHY }, (_, i) => [`s${i}`, stub('echo')] as const);
  return Object.fromEntries([...healthy, ['tenth', stub(tenth)], ['other', stub(other)]]);
}
