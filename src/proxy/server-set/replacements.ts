/** Downstreams that take the place of others: when they start, what is shown until then, how the old ones end. */
import type { Clock } from '../../core/clock.ts';
import type { Downstream } from '../../downstream/downstream.ts';
import type { ServerPipeline } from '../../pipeline/server-pipeline.ts';

/** A server that is replaced may take so long to end before the next one is started. */
const REPLACE_MS = 1000;
/** Calls on a server that was replaced may still take so long. */
const DRAIN_MS = 30_000;

export class Replacements {
  readonly #clock: Clock;
  /** Downstreams with a listing for other clients, until they are listed for these. */
  readonly #confirming = new WeakSet<Downstream>();
  /** Downstreams not started yet, since they wait for the end of the one before. */
  readonly #waiting = new Set<Downstream>();
  /** Downstreams that were replaced, with calls still under way. */
  readonly #draining = new Set<Downstream>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get draining(): Iterable<Downstream> {
    return this.#draining;
  }

  /** The listing is one for other clients, and one for these is about to come. */
  isConfirming(downstream: Downstream): boolean {
    if (this.#waiting.has(downstream)) return this.#confirming.has(downstream) || !downstream.listing;
    return this.#confirming.has(downstream) && downstream.confirming;
  }

  /** Starts a downstream when the one before it has ended, or is slow to: one process at a time. */
  async replace(
    before: { readonly downstream: Downstream; readonly pipeline: ServerPipeline },
    downstream: Downstream,
  ): Promise<void> {
    // A listing of another run for clients like these is right already.
    if (!downstream.exact) this.#confirming.add(downstream);
    // This comes before the other one ends, since watchers hear of that at once.
    this.#waiting.add(downstream);
    const ended = this.drain(before.downstream, before.pipeline);
    let stop: () => void = () => {};
    const late = new Promise<void>((resolve) => (stop = this.#clock.after(REPLACE_MS, resolve)));
    await Promise.race([ended, late]);
    stop();
    this.#waiting.delete(downstream);
    downstream.start();
  }

  /** Lets the calls under way end, then ends the downstream and its pipeline. */
  async drain(downstream: Downstream, pipeline: ServerPipeline): Promise<void> {
    this.#draining.add(downstream);
    await downstream.drain(DRAIN_MS);
    this.#draining.delete(downstream);
    pipeline.close();
  }
}
