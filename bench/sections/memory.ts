/** What calls leave behind: RSS at rest before, after some and after many calls. */
import { type Effort, type Section, show } from '../figures.ts';
import { load } from '../load.ts';
import { rssMegabytes } from '../process-figures.ts';
import { sleep } from '../statistics.ts';
import { type Carrier, startProxy } from '../subjects.ts';

const ROADS: readonly (readonly [front: Carrier, back: Carrier])[] = [
  ['stdio', 'stdio'],
  ['http', 'http'],
];

/** Over HTTP the reference would need minutes for so many calls. */
const WHO = { stdio: ['reference', 'switchyard'], http: ['switchyard'] } as const;

export async function measureMemory(effort: Effort): Promise<Section> {
  const rows: string[][] = [];
  const figures: Record<string, number> = {};
  const steps = [effort.memoryCalls / 5, effort.memoryCalls - effort.memoryCalls / 5];
  for (const [front, back] of ROADS)
    for (const who of WHO[front]) {
      const subject = await startProxy({ who, carrier: front, servers: { one: { carrier: back } } });
      const rss = [await atRest(subject.pid, effort)];
      for (const calls of steps) {
        await load({ client: subject.client, tool: subject.echoes[0] as string, callers: 8, calls });
        rss.push(await atRest(subject.pid, effort));
      }
      await subject.stop();
      const growth = (rss[2] ?? NaN) - (rss[0] ?? NaN);
      rows.push([`${who} ${front}→${back}`, ...rss.map(show), show(growth)]);
      if (who === 'switchyard') figures[`${front}→${back} growth`] = growth;
    }
  const [some = 0, more = 0] = steps;
  return {
    table: {
      title: 'RSS at rest, MB',
      columns: ['road', 'before', `after ${show(some)} calls`, `after ${show(some + more)}`, 'growth'],
      rows,
    },
    figures,
  };
}

async function atRest(pid: number, { restMs }: Effort): Promise<number> {
  await sleep(restMs);
  return rssMegabytes(pid);
}
