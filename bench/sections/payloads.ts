/** Large texts both ways: the argument goes out, and comes back as the result. */
import { bytesOf } from '../clients/wire.ts';
import { type Effort, type Section, show } from '../figures.ts';
import { median } from '../statistics.ts';
import { type Carrier, startProxy, startStub, type Subject } from '../subjects.ts';

const WHO = ['direct', 'reference', 'switchyard'] as const;
const ROADS: readonly (readonly [front: Carrier, back: Carrier])[] = [
  ['stdio', 'stdio'],
  ['http', 'http'],
];
/** The official SDK takes in no larger messages, and then answers no call. */
const REFERENCE_BYTES = 4 * 1024 ** 2;
/** Plain text as tools give it: lines, quotes, a few letters beyond ASCII. */
const LINE = 'Übersicht: 42 records, "open" first; the rest follows below in the same order as before.\n';

export async function measurePayloads(effort: Effort): Promise<Section> {
  const rows: string[][] = [];
  const figures: Record<string, number> = {};
  for (const [front, back] of ROADS) {
    const subjects = await Promise.all(
      WHO.map((who) =>
        who === 'direct'
          ? startStub({ carrier: front })
          : startProxy({ who, carrier: front, servers: { one: { carrier: back } } }),
      ),
    );
    for (const bytes of effort.largePayloads) {
      const able = WHO.map((who) => who !== 'reference' || bytes < REFERENCE_BYTES);
      const times = await side(
        subjects.map((subject, i) => (able[i] ? subject : undefined)),
        textOf(bytes),
        effort.repetitions,
      );
      const [direct = [], reference = [], switchyard = []] = times;
      const ratios = [reference, switchyard].map((its) =>
        median(its.map((ms, i) => ms / (direct[i] ?? NaN))),
      );
      rows.push([
        `${front}→${back}`,
        sizeName(bytes),
        ...times.map((its) => show(median(its))),
        ...ratios.map(show),
      ]);
      figures[`${front}→${back} ${sizeName(bytes)} / direct`] = ratios[1] ?? NaN;
    }
    await Promise.all(subjects.map((subject) => subject.stop()));
  }
  return {
    table: {
      title: 'Payloads, both ways',
      columns: [
        'road',
        'size each way',
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

/** Milliseconds by subject and repetition; taken in turns. */
async function side(
  subjects: readonly (Subject | undefined)[],
  text: string,
  repetitions: number,
): Promise<number[][]> {
  const times: number[][] = subjects.map(() => []);
  // The first two warm up.
  for (let round = -2; round < repetitions; round++)
    for (const [i, subject] of subjects.entries()) {
      if (!subject) continue;
      const { client, echoes } = subject;
      const from = performance.now();
      const answer = await client.callLarge(echoes[0] as string, text);
      const ms = performance.now() - from;
      if (!answer.includes(`"text":${text}`)) throw new Error(`wrong answer: ${answer.slice(0, 300)}`);
      if (round >= 0) times[i]?.push(ms);
    }
  return times;
}

function textOf(bytes: number): string {
  return bytesOf(JSON.stringify(LINE.repeat(Math.ceil(bytes / LINE.length)).slice(0, bytes)));
}

function sizeName(bytes: number): string {
  return bytes >= 1024 ** 2 ? `${bytes / 1024 ** 2} MiB` : `${bytes / 1024} KiB`;
}
