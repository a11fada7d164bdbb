/** From spawning the process to the complete list, with nothing remembered from before; and what 50 servers cost at rest. */
import { type Effort, type Section, show } from '../figures.ts';
import { rssMegabytes } from '../process-figures.ts';
import { median, sleep } from '../statistics.ts';
import { startProxy, startStub, type Subject } from '../subjects.ts';

const WHO = ['direct', 'reference', 'switchyard'] as const;
type StartWho = (typeof WHO)[number];

export async function measureStart(effort: Effort): Promise<Section> {
  const rows: string[][] = [];
  const figures: Record<string, number> = {};
  for (const servers of effort.starts) {
    const times = new Map<StartWho, number[]>(WHO.map((who) => [who, []]));
    const rss = new Map<StartWho, number[]>(WHO.map((who) => [who, []]));
    const repetitions = servers > 10 ? Math.min(5, effort.repetitions) : effort.repetitions;
    for (let round = 0; round < repetitions; round++)
      for (const who of WHO) {
        const { ms, megabytes } = await coldStart(who, servers, round === 0, effort.restMs);
        times.get(who)?.push(ms);
        if (megabytes !== undefined) rss.get(who)?.push(megabytes);
      }
    const direct = times.get('direct') ?? [];
    const ratio = median((times.get('switchyard') ?? []).map((ms, i) => ms / (direct[i] ?? NaN)));
    const idle = median(rss.get('switchyard') ?? []);
    figures[`start ${servers} / direct`] = ratio;
    figures[`rss idle ${servers}`] = idle;
    const cells = WHO.map((who) => show(median(times.get(who) ?? [])));
    rows.push([String(servers), ...cells, show(ratio), show(median(rss.get('reference') ?? [])), show(idle)]);
  }
  return {
    table: {
      title: 'Cold start to the complete list, stdio servers; RSS at rest',
      columns: [
        'servers',
        'direct ms',
        'reference ms',
        'Switchyard ms',
        'Switchyard × direct',
        'reference RSS MB',
        'Switchyard RSS MB',
      ],
      rows,
    },
    figures,
  };
}

/** Direct: the client starts and lists all servers itself. */
async function coldStart(
  who: StartWho,
  servers: number,
  rest: boolean,
  restMs: number,
): Promise<{ ms: number; megabytes?: number }> {
  const from = performance.now();
  const keys = Array.from({ length: servers }, (_, i) => `s${i}`);
  if (who === 'direct') {
    const stubs = await Promise.all(keys.map(() => startStub({ carrier: 'stdio' })));
    const ms = performance.now() - from;
    await Promise.all(stubs.map((stub) => stub.stop()));
    return { ms };
  }
  const stub = { carrier: 'stdio' } as const;
  const subject = await startProxy({
    who,
    carrier: 'stdio',
    servers: Object.fromEntries(keys.map((key) => [key, stub])),
  });
  await complete(subject, servers);
  const ms = performance.now() - from;
  if (rest) await sleep(restMs);
  const megabytes = rest ? rssMegabytes(subject.pid) : undefined;
  await subject.stop();
  return megabytes === undefined ? { ms } : { ms, megabytes };
}

/** Lists again whenever it is told that the lists have changed. */
async function complete({ client, echoes }: Subject, servers: number): Promise<void> {
  for (let found = echoes.length; found < servers;) {
    await new Promise<void>((resolve) => {
      client.onNotification = (text) => {
        if (text.includes('list_changed')) resolve();
      };
    });
    found = [...(await client.list()).matchAll(/"name":"\w*echo"/g)].length;
  }
}
