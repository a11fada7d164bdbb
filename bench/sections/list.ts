/** `tools/list` with 1,000 tools. */
import { type Effort, type Section, show } from '../figures.ts';
import { median } from '../statistics.ts';
import { type Carrier, startProxy, startStub } from '../subjects.ts';

const TOOLS = 1000;
const WHO = ['direct', 'reference', 'switchyard'] as const;

export async function measureList(effort: Effort): Promise<Section> {
  const rows: string[][] = [];
  const figures: Record<string, number> = {};
  for (const front of ['stdio', 'http'] as const) {
    const times = await listTimes(front, effort);
    const [direct = [], reference = [], switchyard = []] = times;
    const ratios = [reference, switchyard].map((its) => median(its.map((ms, i) => ms / (direct[i] ?? NaN))));
    rows.push([`${front}→stdio`, ...times.map((its) => show(median(its))), ...ratios.map(show)]);
    figures[`${front} list / direct`] = ratios[1] ?? NaN;
  }
  return {
    table: {
      title: `tools/list, ${TOOLS} tools`,
      columns: [
        'road',
        'direct ms',
        'reference ms',
        'Switchyard ms',
        'reference × direct',
        'Switchyard × direct',
      ],
      rows,
    },
    figures,
  };
}

async function listTimes(front: Carrier, { warmUpMs, repetitions }: Effort): Promise<number[][]> {
  const subjects = await Promise.all(
    WHO.map((who) =>
      who === 'direct'
        ? startStub({ carrier: front, tools: TOOLS })
        : startProxy({ who, carrier: front, servers: { one: { carrier: 'stdio', tools: TOOLS } } }),
    ),
  );
  for (const { client } of subjects) {
    const warm = performance.now() + warmUpMs;
    do await client.list();
    while (performance.now() < warm);
  }
  const times: number[][] = subjects.map(() => []);
  for (let round = 0; round < repetitions * 5; round++)
    for (const [i, { client }] of subjects.entries()) {
      const from = performance.now();
      const answer = await client.list();
      const ms = performance.now() - from;
      const { result } = JSON.parse(answer) as { result: { tools: unknown[] } };
      // Switchyard has a tool of its own.
      if (result.tools.length < TOOLS) throw new Error(`a list of ${result.tools.length}`);
      times[i]?.push(ms);
    }
  await Promise.all(subjects.map((subject) => subject.stop()));
  return times;
}
