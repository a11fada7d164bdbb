/**
 * Gives back at rest what load has left behind. V8 keeps what it once needed until it needs more, which in a process
 * that waits all day for its next client may be never.
 */
import type { Clock } from '../../core/clock.ts';

export interface IdleGcOptions {
  readonly clock: Clock;
  readonly process?: ProcessFigures;
}

/** Figures of our own process. */
export interface ProcessFigures {
  /** Resident memory, bytes. */
  rss(): number;
  /** Milliseconds of CPU since its start. */
  cpuMs(): number;
  /** Takes some tens of milliseconds. */
  collect(): Promise<void>;
}

const LOOK_MS = 5000;
/** A process that used less CPU time since the last look is idle. */
const REST_CPU_MS = 100;
/** Less garbage is not worth the pause. */
const WORTH_BYTES = 8_000_000;
/** V8 keeps the room for the young for as long as it remembers that much was asked of it, which is some seconds. */
const COLLECTIONS = 2;

/** @returns a function that ends it. */
export function collectWhenIdle({ clock, process = ourProcess }: IdleGcOptions): () => void {
  let kept = 0;
  let toCollect = 0;
  let collected = false;
  let cpuMs = process.cpuMs();
  let cancel = clock.after(LOOK_MS, look);
  return () => cancel();

  function look(): void {
    const before = cpuMs;
    cpuMs = process.cpuMs();
    // It is given back some time after it was collected.
    if (collected && toCollect === 0) kept = process.rss();
    collected = false;
    const atRest = cpuMs - before < REST_CPU_MS;
    if (atRest && toCollect === 0 && process.rss() - kept > WORTH_BYTES) toCollect = COLLECTIONS;
    if (atRest && toCollect > 0) {
      collected = true;
      toCollect--;
      // Where it cannot be done it is tried again only once there is much more.
      process.collect().catch(() => {});
    }
    cancel = clock.after(LOOK_MS, look);
  }
}

const ourProcess: ProcessFigures = {
  rss: () => process.memoryUsage.rss(),
  cpuMs() {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1000;
  },
  async collect() {
    collector ??= exposed();
    const collect = await collector;
    collect();
    // The room for the young is given back by the second of two in a row.
    collect();
  },
};

let collector: Promise<() => void> | undefined;

/** The only way to V8's collector that needs no option at the start. */
async function exposed(): Promise<() => void> {
  const { setFlagsFromString } = await import('node:v8');
  const { runInNewContext } = await import('node:vm');
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  setFlagsFromString('--no-expose-gc');
  return collect;
}
