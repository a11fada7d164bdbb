/** Calls on a healthy server while another one hangs and a third floods us with messages that nobody wants. */
import { type Effort, type Section, show } from '../figures.ts';
import { load } from '../load.ts';
import { median, percentile, sleep } from '../statistics.ts';
import { startProxy, type Subject } from '../subjects.ts';

const HANGING_CALLS = 8;
const CALLERS = 4;

export async function measureIsolation(effort: Effort): Promise<Section> {
  const healthy = { carrier: 'stdio' } as const;
  const calm = await startProxy({
    who: 'switchyard',
    carrier: 'stdio',
    servers: { a: healthy, b: healthy, c: healthy },
  });
  const troubled = await startProxy({
    who: 'switchyard',
    carrier: 'stdio',
    servers: { a: healthy, b: { ...healthy, behaviour: 'hang' }, c: { ...healthy, behaviour: 'flood' } },
  });
  await sleep(1000);
  for (let i = 0; i < HANGING_CALLS; i++) void troubled.client.callLarge('b__echo', '"hangs"');
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
      title: `Isolation: a healthy server's p99 with ${CALLERS} callers, one hanging and one flooding server beside it`,
      columns: ['all healthy, µs', 'with trouble, µs', 'ratio'],
      rows: [[show(median(p99s[0])), show(median(p99s[1])), show(ratio)]],
    },
    figures: { 'isolation p99': ratio },
  };
}

async function p99({ client }: Subject, ms: number): Promise<number> {
  const { micros } = await load({ client, tool: 'a__echo', callers: CALLERS, ms });
  return percentile(micros, 99);
}
