import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { Breaker, type BreakerState, type Permit } from '../../src/middleware/breaker.ts';
import { HandClock } from '../harness/clock.ts';

const SETTINGS = { failureThreshold: 5, recoveryTimeoutMs: 30_000, halfOpenMaxCalls: 3, successThreshold: 2 };

/** The rules as one would tell them: no timers, no opossum, the whole state in plain sight. */
class Model {
  state: 'closed' | 'open' | 'half-open' = 'closed';
  now = 0;
  period = 0;
  generation = 0;
  failures = 0;
  successes = 0;
  openedAt = 0;
  counted = new Set<number>();
  probes: { id: number; since: number }[] = [];

  enter(state: Model['state']): void {
    this.state = state;
    this.period++;
    this.successes = 0;
    this.probes = [];
    if (state === 'closed') this.failures = 0;
    if (state === 'open') this.openedAt = this.now;
  }

  pass(ms: number): void {
    this.now += ms;
    if (this.state === 'open' && this.now - this.openedAt >= 30_000) this.enter('half-open');
  }

  admits(id: number): boolean {
    if (this.state === 'open') return false;
    if (this.state === 'closed') return true;
    this.probes = this.probes.filter(({ since }) => this.now - since < 30_000);
    if (this.probes.length >= 3) return false;
    this.probes.push({ id, since: this.now });
    return true;
  }

  ends(call: Begun, how: 'ok' | 'fail' | 'neutral', crash: number): void {
    this.probes = this.probes.filter(({ id }) => id !== call.id);
    if (how === 'neutral' || call.period !== this.period || call.generation < this.generation) return;
    if (how === 'ok') {
      this.failures = 0;
      if (this.state === 'half-open' && ++this.successes === 2) this.enter('closed');
      return;
    }
    if (this.counted.has(crash)) return;
    this.counted.add(crash);
    if (this.state === 'half-open') return this.enter('open');
    if (++this.failures === 5) this.enter('open');
  }

  handshake(): void {
    this.generation++;
    if (this.state === 'open') this.enter('half-open');
  }
}

interface Begun {
  readonly id: number;
  readonly pass: Permit;
  readonly period: number;
  readonly generation: number;
}

const outcome = {
  how: fc.constantFrom('ok' as const, 'fail' as const, 'fail' as const, 'neutral' as const),
  crash: fc.nat(500),
};

const step = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('calls' as const),
      times: fc.integer({ min: 1, max: 6 }),
      ...outcome,
    }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('begin' as const), connected: fc.boolean() }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('end' as const), which: fc.nat(), ...outcome }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('pass' as const),
      ms: fc.constantFrom(1, 15_000, 29_999, 30_000),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('handshake' as const) }) },
);

/** The breaker and its model, treated alike. */
class Pair {
  readonly clock = new HandClock();
  readonly changes: BreakerState[] = [];
  readonly breaker = new Breaker({
    ...SETTINGS,
    clock: this.clock,
    changed: (state) => this.changes.push(state),
  });
  readonly model = new Model();
  readonly underWay: Begun[] = [];
  readonly #crashes = new Map<number, object>();
  #lastId = 0;

  begin(connected: boolean): boolean {
    const { breaker, model } = this;
    const pass = breaker.enter(connected);
    const id = ++this.#lastId;
    same('admitted', pass !== undefined, model.admits(id));
    const generation = model.generation + (connected ? 0 : 1);
    if (pass) this.underWay.push({ id, pass, period: model.period, generation });
    return pass !== undefined;
  }

  end(which: number, how: 'ok' | 'fail' | 'neutral', crash: number): void {
    const [call] = this.underWay.splice(which, 1);
    if (!call) return;
    this.model.ends(call, how, crash);
    const cause = this.#crashes.get(crash) ?? {};
    this.#crashes.set(crash, cause);
    if (how === 'ok') this.breaker.succeeded(call.pass);
    else if (how === 'fail') this.breaker.failed(call.pass, { cause });
    else this.breaker.left(call.pass);
  }

  pass(ms: number): void {
    this.clock.passNow(ms);
    this.model.pass(ms);
  }

  handshake(): void {
    this.breaker.newGeneration();
    this.model.handshake();
  }

  compare(): void {
    same('state', this.breaker.state, this.model.state);
    if (this.model.state === 'open')
      same('retryAfterMs', this.breaker.retryAfterMs, this.model.openedAt + 30_000 - this.model.now);
  }
}

/** `expect` would cost more than all the rest. */
function same(what: string, found: unknown, wanted: unknown): void {
  if (found !== wanted)
    throw new Error(`${what}: the breaker has ${String(found)}, the model ${String(wanted)}`);
}

test('K01 the breaker does as the model does, in 10,000 random runs', () => {
  const seen = { open: 0, 'half-open': 0, closed: 0 };
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40, size: 'max' }), (steps) => {
      const pair = new Pair();
      for (const one of steps) {
        if (one.do === 'calls') {
          for (let i = 0; i < one.times; i++)
            if (pair.begin(true)) pair.end(pair.underWay.length - 1, one.how, one.crash + i);
        } else if (one.do === 'begin') pair.begin(one.connected);
        else if (one.do === 'end')
          pair.end(one.which % Math.max(1, pair.underWay.length), one.how, one.crash);
        else if (one.do === 'pass') pair.pass(one.ms);
        else pair.handshake();
        pair.compare();
      }
      pair.breaker.shutdown();
      for (const change of pair.changes) seen[change]++;
    }),
    { numRuns: 10_000 },
  );
  // Runs that never leave the closed state would prove nothing.
  for (const count of Object.values(seen)) expect(count).toBeGreaterThan(1_000);
}, 60_000);
