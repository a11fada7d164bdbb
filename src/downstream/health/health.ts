/**
 * The health of a server, learned from its calls and from probes; the worse of the two holds, so that a probe that
 * succeeds does not hide calls that fail.
 *
 * Calls of the last two minutes count, the last hundred at most. A success makes up for a failure before it.
 */
import type { Clock } from '../../core/clock.ts';
import type { HealthLevel, HealthReport } from '../../core/status.ts';
import { LatencyHistory } from './latency-history.ts';

const WINDOW = 100;
const WINDOW_MS = 120_000;
/** Slower than usual by so much, and by at least so many milliseconds, is worth a word. */
const SLOW_FACTOR = 3;
const SLOW_MS = 100;
const ENOUGH = 20;

export type CallOutcome = 'ok' | 'error' | 'timeout';

interface Seen {
  readonly at: number;
  readonly ms: number;
  readonly outcome: CallOutcome;
}

interface Finding {
  readonly level: HealthLevel;
  readonly reason: string;
}

export class Health {
  readonly #clock: Clock;
  /** The last calls, as a ring. */
  readonly #seen: Seen[] = [];
  #next = 0;
  #failuresLately = 0;
  readonly #trend: LatencyHistory;
  readonly #probeTrend: LatencyHistory;
  #probeFailures = 0;
  #lastProbe: { readonly ms: number; readonly at: number } | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#trend = new LatencyHistory(clock);
    this.#probeTrend = new LatencyHistory(clock);
  }

  /** @param ms left out where a part of the time was not the server's. @param at the clock's time. */
  call(outcome: CallOutcome, ms: number | undefined, at: number): void {
    this.#seen[this.#next] = { at, ms: ms ?? NaN, outcome };
    this.#next = (this.#next + 1) % WINDOW;
    if (outcome === 'ok' && ms !== undefined) this.#trend.add(ms, at);
    else if (outcome !== 'ok') this.#failuresLately = WINDOW;
    if (outcome === 'ok' && this.#failuresLately > 0) this.#failuresLately--;
  }

  /** The level may have changed for the better or worse by calls alone. */
  get troubled(): boolean {
    return this.#failuresLately > 0;
  }

  /** `undefined`: it did not answer in time. */
  probe(ms: number | undefined): void {
    if (ms === undefined) this.#probeFailures++;
    else {
      const at = this.#clock.now();
      this.#probeFailures = 0;
      this.#probeTrend.add(ms, at);
      this.#lastProbe = { ms: Math.round(ms * 10) / 10, at };
    }
  }

  /** A new process or session: probes of the old one do not count for it. */
  renewed(): void {
    this.#probeFailures = 0;
  }

  get level(): HealthLevel {
    return worst(this.#findings());
  }

  get report(): HealthReport {
    const findings = this.#findings();
    const calls = this.#lately();
    const usual = this.#trend.usualP95();
    return {
      level: worst(findings),
      reasons: findings.map(({ reason }) => reason),
      calls: {
        count: calls.length,
        errors: calls.filter(({ outcome }) => outcome === 'error').length,
        timeouts: calls.filter(({ outcome }) => outcome === 'timeout').length,
        p95Ms: rounded(p95Of(calls)),
        usualP95Ms: rounded(usual),
      },
      probes: {
        failedInARow: this.#probeFailures,
        lastMs: this.#lastProbe?.ms,
        lastAgoMs: this.#lastProbe && Math.round(this.#clock.now() - this.#lastProbe.at),
      },
      slowingForMs: this.#slowingForMs(),
    };
  }

  #slowingForMs(): number | undefined {
    return this.#trend.slowingForMs() ?? this.#probeTrend.slowingForMs();
  }

  #findings(): Finding[] {
    const findings: Finding[] = [];
    const calls = this.#lately();
    const failing = failuresIn(calls);
    if (failing) findings.push(failing);
    const p95 = p95Of(calls);
    const usual = this.#trend.usualP95();
    if (calls.length >= ENOUGH && p95 !== undefined && usual !== undefined)
      if (p95 > usual * SLOW_FACTOR && p95 > usual + SLOW_MS)
        findings.push({
          level: 'degraded',
          reason: `slow: 95 % of the calls within ${Math.round(p95)} ms, usually ${Math.round(usual)} ms`,
        });
    const slowingMs = this.#slowingForMs();
    if (slowingMs !== undefined)
      findings.push({
        level: 'degraded',
        reason: `has been slowing for ${Math.round(slowingMs / 60_000)} minutes`,
      });
    if (this.#probeFailures > 0)
      findings.push({
        level: this.#probeFailures > 2 ? 'critical' : this.#probeFailures > 1 ? 'unhealthy' : 'degraded',
        reason: `did not answer the last ${this.#probeFailures > 1 ? `${this.#probeFailures} probes` : 'probe'}`,
      });
    return findings;
  }

  /** Oldest first. */
  #lately(): readonly Seen[] {
    const since = this.#clock.now() - WINDOW_MS;
    return [...this.#seen.slice(this.#next), ...this.#seen.slice(0, this.#next)].filter(
      ({ at }) => at >= since,
    );
  }
}

function failuresIn(calls: readonly Seen[]): Finding | undefined {
  const failures = calls.filter(({ outcome }) => outcome !== 'ok').length;
  // One failed probe alone means little.
  if (failures < 2) return undefined;
  const good = calls.length - 1 - calls.findLastIndex(({ outcome }) => outcome !== 'ok');
  const bad = calls.length - 1 - calls.findLastIndex(({ outcome }) => outcome === 'ok');
  const part = failures / calls.length;
  const reason = `${failures} of the last ${calls.length} calls failed`;
  if ((bad >= 10 || (failures >= 10 && part >= 0.9)) && good < 3) return { level: 'critical', reason };
  if ((bad >= 3 || (failures >= 3 && part >= 0.5)) && good < 5) return { level: 'unhealthy', reason };
  return part >= 0.1 && good < 20 ? { level: 'degraded', reason } : undefined;
}

function p95Of(calls: readonly Seen[]): number | undefined {
  const times = calls.filter(({ outcome, ms }) => outcome === 'ok' && !Number.isNaN(ms)).map(({ ms }) => ms);
  times.sort((a, b) => a - b);
  return times[Math.min(times.length - 1, Math.floor(times.length * 0.95))];
}

const ORDER: readonly HealthLevel[] = ['healthy', 'degraded', 'unhealthy', 'critical'];

function worst(findings: readonly Finding[]): HealthLevel {
  return ORDER[Math.max(0, ...findings.map(({ level }) => ORDER.indexOf(level)))] ?? 'healthy';
}

function rounded(ms: number | undefined): number | undefined {
  return ms === undefined ? undefined : Math.round(ms * 10) / 10;
}
