/** Small calls on every road: latency with one caller, throughput with 1, 8 and 64, CPU a call. */
import type { Era } from '../clients/mcp-client.ts';
import { type Effort, type Section, show } from '../figures.ts';
import { load } from '../load.ts';
import { cpuMicros, rssMegabytes } from '../process-figures.ts';
import { median, percentile } from '../statistics.ts';
import { type Carrier, startProxy, startStub, type Subject, type Who } from '../subjects.ts';

interface Road {
  /** The key of its figures. */
  readonly key: string;
  readonly who: Who;
  /** How the client reaches it; for a proxy also how it reaches its servers. */
  readonly front: Carrier;
  readonly back?: Carrier;
  readonly era: Era;
}

const CALLERS = [1, 8, 64] as const;

function roadsOf(era: Era): Road[] {
  const name = (front: Carrier, back?: Carrier): string =>
    `${era} ${front}${back === undefined ? '' : `→${back}`}`;
  const direct = (front: Carrier): Road => ({ key: `direct ${name(front)}`, who: 'direct', front, era });
  const proxied = (front: Carrier, back: Carrier): Road[] =>
    (['bare', 'reference', 'switchyard'] as const)
      // The bare relay speaks legacy only, as does the first major version of the SDK, on which the reference is written.
      .filter((who) => who === 'switchyard' || era === 'legacy')
      .map((who) => ({ key: `${who} ${name(front, back)}`, who, front, back, era }));
  return [
    direct('stdio'),
    direct('http'),
    ...proxied('stdio', 'stdio'),
    ...proxied('http', 'stdio'),
    ...proxied('http', 'http'),
  ];
}

interface Sample {
  readonly p50: number;
  readonly p99: number;
  readonly perSecond: number;
  readonly cpu: number;
}

type Samples = Map<(typeof CALLERS)[number], Sample[]>;

export async function measureRoads(era: Era, effort: Effort): Promise<Section> {
  const pipelines = roadsOf(era);
  const subjects = await Promise.all(pipelines.map(start));
  const samples: Samples[] = pipelines.map(() => new Map(CALLERS.map((callers) => [callers, []])));
  for (const subject of subjects) await measure(subject, 64, effort.warmUpMs);
  for (let repetition = 0; repetition < effort.repetitions; repetition++)
    for (const callers of CALLERS)
      for (const [i, subject] of subjects.entries())
        samples[i]?.get(callers)?.push(await measure(subject, callers, effort.loadMs));
  const rss = subjects.map(({ pid }) => rssMegabytes(pid));
  await Promise.all(subjects.map((subject) => subject.stop()));
  return report(era, pipelines, samples, rss);
}

function start({ who, front, back = 'stdio', era }: Road): Promise<Subject> {
  if (who === 'direct') return startStub({ carrier: front, era });
  const stub = { carrier: back, era };
  // Two, so that names have prefixes as they have for nearly every user.
  return startProxy({ who, carrier: front, era, servers: { one: stub, two: stub } });
}

async function measure({ client, pid, echoes }: Subject, callers: number, ms: number): Promise<Sample> {
  const before = cpuMicros(pid);
  const { calls, seconds, micros } = await load({ client, tool: echoes[0] as string, callers, ms });
  return {
    p50: percentile(micros, 50),
    p99: percentile(micros, 99),
    perSecond: calls / seconds,
    cpu: (cpuMicros(pid) - before) / calls,
  };
}

function report(
  era: Era,
  pipelines: readonly Road[],
  samples: readonly Samples[],
  rss: readonly number[],
): Section {
  const all = (key: string, callers: (typeof CALLERS)[number]): readonly Sample[] =>
    samples[pipelines.findIndex((pipeline) => pipeline.key === key)]?.get(callers) ?? [];
  /** The median of the ratios of samples that were taken side by side. */
  const ratio = (
    field: keyof Sample,
    callers: (typeof CALLERS)[number],
    key: string,
    ...others: readonly string[]
  ): number =>
    median(
      all(key, callers).map((sample, i) => {
        const other = others.reduce((sum, one) => sum + (all(one, callers)[i]?.[field] ?? NaN), 0);
        return sample[field] / other;
      }),
    );
  const figures: Record<string, number> = {};
  const rows = pipelines.map(({ key, who, front, back }, i) => {
    const cell = (field: keyof Sample, callers: (typeof CALLERS)[number]): string =>
      show(median(all(key, callers).map((sample) => sample[field])));
    const direct =
      front === 'http' && back === 'stdio'
        ? [`direct ${era} stdio`, `direct ${era} http`]
        : [`direct ${era} ${front}`];
    const reference = key.replace('switchyard', 'reference');
    if (who === 'switchyard') {
      const pipeline = `${era} ${front}→${back}`;
      figures[`${pipeline} latency / direct`] = ratio('p50', 1, key, ...direct);
      figures[`${pipeline} throughput / direct`] = ratio('perSecond', 64, key, `direct ${era} ${front}`);
      figures[`${pipeline} throughput / reference`] = ratio('perSecond', 64, key, reference);
      figures[`${pipeline} cpu / reference`] = ratio('cpu', 64, key, reference);
    }
    return [
      key,
      cell('p50', 1),
      cell('p99', 1),
      show(ratio('p50', 1, key, ...direct)),
      cell('perSecond', 1),
      cell('perSecond', 8),
      cell('perSecond', 64),
      show(ratio('perSecond', 64, key, `direct ${era} ${front}`)),
      who === 'switchyard' ? show(ratio('perSecond', 64, key, reference)) : '',
      cell('p99', 64),
      cell('cpu', 64),
      who === 'switchyard' ? show(ratio('cpu', 64, key, reference)) : '',
      show(rss[i] ?? NaN),
    ];
  });
  return {
    table: {
      title: `Small calls, ${era} clients and servers`,
      columns: [
        'road',
        'p50 µs, 1 caller',
        'p99 µs',
        '× direct',
        'calls/s, 1',
        '8',
        '64 callers',
        '× direct',
        '× reference',
        'p99 µs, 64',
        'CPU µs/call, 64',
        '× reference',
        'RSS MB after',
      ],
      rows,
    },
    figures,
  };
}
