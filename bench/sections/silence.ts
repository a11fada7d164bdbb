/** One of ten servers never answers the handshake: when the nine others can be called, and when they are listed. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Effort, type Section, show } from '../figures.ts';
import { median, sleep } from '../statistics.ts';
import { startProxy, type StubOptions, type Subject } from '../subjects.ts';

const HEALTHY = 9;
const SETTLED_MS = 4000;
const WAYS = ['snapshot', 'cold, callable', 'cold, listed'] as const;
type Way = (typeof WAYS)[number];

export async function measureSilence(effort: Effort): Promise<Section> {
  const folder = mkdtempSync(join(tmpdir(), 'switchyard-bench-silence-'));
  const mute = join(folder, 'mute');
  const stateDir = join(folder, 'state');
  // It answered once, and is remembered.
  const first = await open(mute, stateDir);
  await sleep(SETTLED_MS);
  await first.stop();
  const times = new Map<Way, [without: number[], withIt: number[]]>(WAYS.map((way) => [way, [[], []]]));
  for (let round = 0; round < effort.repetitions; round++)
    for (const way of WAYS)
      for (const silent of [false, true]) {
        if (silent) writeFileSync(mute, '');
        else rmSync(mute, { force: true });
        times.get(way)?.[Number(silent)]?.push(await measure(way, mute, stateDir));
      }
  rmSync(folder, { recursive: true, force: true });
  const figures: Record<string, number> = {};
  const rows = WAYS.map((way) => {
    const [without = [], withIt = []] = times.get(way) ?? [];
    const ratio = median(withIt.map((ms, i) => ms / (without[i] ?? NaN)));
    figures[`one of ten mute: ${way}`] = ratio;
    return [way, show(median(without)), show(median(withIt)), show(ratio)];
  });
  return {
    table: {
      title: 'One of ten servers never answers `initialize`: until the nine others are there',
      columns: ['', 'all answer, ms', 'one does not, ms', 'ratio'],
      rows,
    },
    figures,
  };
}

async function measure(way: Way, mute: string, stateDir: string): Promise<number> {
  const from = performance.now();
  const subject = await open(mute, way === 'snapshot' ? stateDir : undefined, way === 'cold, callable');
  if (way === 'cold, callable') await callEach(subject);
  else if (subject.echoes.length < HEALTHY)
    throw new Error(`${subject.echoes.length} listed of at least ${HEALTHY}`);
  const ms = performance.now() - from;
  await subject.stop();
  return ms;
}

function open(mute: string, stateDir: string | undefined, unlisted = false): Promise<Subject> {
  const server = (i: number): StubOptions => ({ carrier: 'stdio', ...(i === HEALTHY && { mute }) });
  return startProxy({
    who: 'switchyard',
    carrier: 'stdio',
    servers: Object.fromEntries(Array.from({ length: HEALTHY + 1 }, (_, i) => [`s${i}`, server(i)])),
    ...(stateDir !== undefined && { stateDir }),
    unlisted,
  });
}

/** As soon as the client has been greeted. */
async function callEach({ client }: Subject): Promise<void> {
  const called = Array.from({ length: HEALTHY }, async (_, i) => {
    const answer = await client.call(`s${i}__echo`, `to ${i}`);
    if (answer !== `to ${i}`) throw new Error(`wrong answer: ${answer.slice(0, 500)}`);
  });
  await Promise.all(called);
}
