/** The state of a server, formed from its life cycle, its calls and its probes together. */
import type { Clock } from '../core/clock.ts';
import type { Logger } from '../core/logger.ts';
import type { DownstreamState, DownstreamStatus, HealthReport } from '../core/status.ts';
import { type CallOutcome, Health } from './health/health.ts';
import type { LifecyclePhase } from './lifecycle.ts';

/** Kinds of odd messages are few; texts that vary without end would be a leak. */
const MAX_SKIPPED = 100;

export interface ServerStateOptions {
  readonly server: string;
  readonly lifecycle: () => {
    readonly phase: LifecyclePhase;
    readonly critical: boolean;
    readonly failing: boolean;
  };
  readonly changed: () => void;
  readonly clock: Clock;
  readonly log: Logger;
}

export class ServerState {
  readonly #options: ServerStateOptions;
  readonly #health: Health;
  readonly #skipped = new Map<string, number>();
  #state: DownstreamState = 'stopped';

  constructor(options: ServerStateOptions) {
    this.#options = options;
    this.#health = new Health(options.clock);
  }

  get now(): DownstreamState {
    return this.#state;
  }

  get health(): HealthReport {
    return this.#health.report;
  }

  /** The counts of messages that were left out, by kind. */
  get skipped(): DownstreamStatus['skipped'] {
    return Object.fromEntries(this.#skipped);
  }

  /** @param ms left out where a part of the time was not the server's. @param at the clock's time. */
  called(outcome: CallOutcome, ms: number | undefined, at: number): void {
    this.#health.call(outcome, ms, at);
    if (this.#health.troubled) this.judge();
  }

  /** @param ms how long the answer took; `undefined`: none came. */
  probed(ms: number | undefined): void {
    this.#health.probe(ms);
    this.judge();
  }

  /** A new connection is up: what was learned on the one before is no longer held against the server. */
  renewed(): void {
    this.#health.renewed();
  }

  /** A message was left out that makes no sense. */
  odd(what: string, times = 1): void {
    const known = this.#skipped.get(what);
    if (known === undefined && this.#skipped.size >= MAX_SKIPPED) return;
    this.#skipped.set(what, (known ?? 0) + times);
    const { log, server } = this.#options;
    if (known === undefined) log.warn({ server, what }, 'skipped');
  }

  /** Forms the state anew from all signs, and tells it where it changed. */
  judge(): void {
    const state = this.#judged();
    if (state === this.#state) return;
    const before = this.#state;
    this.#state = state;
    const { server, log, lifecycle, changed } = this.#options;
    log.debug({ server, state, before }, 'state');
    if (lifecycle().phase === 'up' && before !== 'starting')
      log.info(
        { server, state, reasons: this.#health.report.reasons },
        'health of a downstream server changed',
      );
    changed();
  }

  #judged(): DownstreamState {
    const { phase, critical, failing } = this.#options.lifecycle();
    if (phase === 'stopping' || phase === 'stopped') return phase;
    if (critical || failing) return 'critical';
    if (phase === 'starting') return 'starting';
    if (phase === 'down') return 'unhealthy';
    const { level } = this.#health;
    return level === 'healthy' ? 'ready' : level;
  }
}
