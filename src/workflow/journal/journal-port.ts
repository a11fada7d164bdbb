/**
 * The port over the journal: writes intents before work and outcomes after it, and replays a record in its order.
 *
 * The interpreter goes on with an outcome before the outcome is durable, so that it shares a transaction with the
 * intents that follow: no work begins, and no end is told, before everything that led there is on the disk.
 */
import { Cancellation } from '../../core/cancellation.ts';
import type { Clock } from '../../core/clock.ts';
import { messageOf } from '../../core/errors.ts';
import { Json, type JsonObject } from '../../json/json.ts';
import type { Finished, Outcome, Pending, Port, StepError } from '../run/port.ts';
import { DayTimers } from './day-timers.ts';
import { type Blob, type Change, type Entry, type EntryKind, eventsOf, type RunEvent } from './journal.ts';
import type { JournalWriter } from './journal-writer.ts';
import { outcomeData, readOutcome } from './outcome-entry.ts';

export interface JournalPortOptions {
  readonly runId: string;
  readonly startedAt: number;
  /** The record so far. */
  readonly entries: readonly Entry[];
  /** `undefined`: the run is only looked at; nothing is begun or written. */
  readonly writer: JournalWriter | undefined;
  readonly clock: Clock;
  readonly timeOfDay: () => number;
  readonly newId: () => string;
  /** The bound on all results of the run. */
  readonly resultBytes: number;
}

/** Thrown by `first` at the end of a record that is only looked at, and when the port was closed. */
export class Suspended extends Error {
  override readonly name = 'Suspended';
}

export class JournalPort implements Port {
  readonly #options: JournalPortOptions;
  readonly #recorded = new Map<string, Finished>();
  readonly #replay: Finished[] = [];
  readonly #intents = new Map<string, JsonObject>();
  readonly #live: Finished[] = [];
  readonly #works = new Map<string, Cancellation>();
  readonly #timers: DayTimers;
  #eventsOnRecord = 0;
  /** Events that go with the next transaction: they share an entry. */
  #events: RunEvent[] | undefined;
  #draining = false;
  #seq = 0;
  #now: number;
  #bytes = 0;
  #wake: (() => void) | undefined;
  #broken: Error | undefined;

  constructor(options: JournalPortOptions) {
    this.#options = options;
    this.#timers = new DayTimers(options.clock, options.timeOfDay);
    this.#now = options.startedAt;
    for (const entry of options.entries) this.#read(entry);
  }

  /** The whole record has been replayed. */
  get caughtUp(): boolean {
    return this.#replay.length === 0;
  }

  /** The number of works in flight. */
  get inFlight(): number {
    return this.#works.size;
  }

  step(key: string, intent: JsonObject, work: (signal: Cancellation) => Promise<Outcome>): void {
    if (this.#recorded.has(key)) return;
    const { writer } = this.#options;
    if (!writer || this.#draining) return;
    if (this.#intents.has(key)) {
      void this.#complete(key, { kind: 'in_doubt', error: CRASHED }, 0);
      return;
    }
    const signal = new Cancellation();
    this.#works.set(key, signal);
    this.#write('intent', key, intent).then(
      () => this.#work(key, signal, work),
      (error: unknown) => {
        this.#works.delete(key);
        this.#break(error);
      },
    );
  }

  sleep(key: string, until: number): void {
    if (this.#recorded.has(key) || !this.#options.writer) return;
    const known = this.#intents.get(key)?.['until'];
    if (typeof known !== 'number')
      this.#write('intent', key, { until }).catch((error: unknown) => this.#break(error));
    this.#timers.start(key, typeof known === 'number' ? known : until, () => {
      this.#complete(key, { kind: 'done', value: Json.of(null) }, 0).catch(() => {});
    });
  }

  signal(key: string): void {
    // On record or still to come: `first` hands the answer out.
    void key;
  }

  /** Takes an answer; only the first one for a key counts. @returns when the answer is durable. */
  deliver(key: string, value: unknown): Promise<void> {
    if (this.#recorded.has(key)) return Promise.resolve();
    return this.#complete(key, { kind: 'done', value: Json.of(value) }, 0, 'waited for');
  }

  has(key: string): boolean {
    return this.#recorded.has(key);
  }

  async first(pending: Pending): Promise<Finished> {
    for (;;) {
      if (this.#broken) throw this.#broken;
      const finished = this.#take(this.#replay, pending) ?? this.#take(this.#live, pending);
      if (finished) {
        this.#now = Math.max(this.#now, finished.at);
        return finished;
      }
      if (!this.#options.writer) throw new Suspended('nothing more is on record');
      await new Promise<void>((wake) => (this.#wake = wake));
    }
  }

  drop(key: string): void {
    this.#timers.stop(key);
  }

  abort(key: string, reason: string): void {
    this.#works.get(key)?.cancel(reason);
  }

  now(): number {
    return this.#now;
  }

  id(): string {
    return this.#options.newId();
  }

  emit(event: JsonObject): void {
    if (this.#eventsOnRecord > 0) {
      this.#eventsOnRecord--;
      return;
    }
    const { writer, runId, timeOfDay } = this.#options;
    if (!writer || this.#broken) return;
    const at = timeOfDay();
    if (this.#events) {
      this.#events.push({ at, ...event });
      return;
    }
    const events: RunEvent[] = (this.#events = [{ at, ...event }]);
    const seq = ++this.#seq;
    const entry = (): Change => {
      this.#events = undefined;
      const data = JSON.stringify(events);
      return { type: 'entry', runId, entry: { seq, key: '', kind: 'event', at, data } };
    };
    writer.writeAlong(entry).catch((error: unknown) => this.#break(error));
  }

  /** Puts a fact on record that the interpreter does not know: who resumed the run, who answered. */
  note(fact: JsonObject): void {
    if (this.#options.writer) this.#write('note', '', fact).catch(() => {});
  }

  /** Begins no more work; works in flight go on. */
  drain(): void {
    this.#draining = true;
  }

  /** Ends all waiting and cancels works in flight: without an outcome on record theirs is unknown. */
  close(reason: string): void {
    this.#break(new Suspended(reason));
    for (const signal of this.#works.values()) signal.cancel(reason, 'proxy-stops');
  }

  #read(entry: Entry): void {
    this.#seq = Math.max(this.#seq, entry.seq);
    if (entry.kind === 'event') this.#eventsOnRecord += eventsOf(entry).length;
    else if (entry.kind === 'intent') this.#intents.set(entry.key, JSON.parse(entry.data) as JsonObject);
    else if (entry.kind === 'outcome') {
      const finished = readOutcome(entry);
      this.#recorded.set(entry.key, finished);
      this.#replay.push(finished);
      this.#bytes += entry.data.length;
    }
  }

  /** The first outcome that somebody waits for. Earlier ones were dropped, or are waited for later. */
  #take(from: Finished[], pending: Pending): Finished | undefined {
    const index = from.findIndex(({ key }) => pending.has(key));
    return index < 0 ? undefined : from.splice(index, 1)[0];
  }

  #work(key: string, signal: Cancellation, work: (signal: Cancellation) => Promise<Outcome>): void {
    if (this.#broken) return;
    const begun = this.#options.timeOfDay();
    const outcome = signal.cancelled ? Promise.resolve(cancelledBefore(signal)) : work(signal);
    outcome
      .catch((error: unknown): Outcome => ({
        kind: 'in_doubt',
        error: { code: 'INTERNAL', message: messageOf(error), delivered: 'unknown' },
      }))
      .then((result) => {
        this.#works.delete(key);
        if (this.#broken) return undefined;
        return this.#complete(key, this.#bounded(result), this.#options.timeOfDay() - begun);
      })
      .catch((error: unknown) => this.#break(error));
  }

  #bounded(outcome: Outcome): Outcome {
    if (outcome.kind !== 'done') return outcome;
    const { resultBytes } = this.#options;
    if (this.#bytes + outcome.value.text.length <= resultBytes) return outcome;
    const message = `the results of this run are larger than ${resultBytes} bytes in all`;
    return { kind: 'failed', error: { code: 'RESULT_TOO_LARGE', message, delivered: true } };
  }

  #complete(key: string, outcome: Outcome, ms: number, how: Writing = 'along'): Promise<void> {
    const at = this.#options.timeOfDay();
    const finished = { key, outcome, at, ms };
    this.#recorded.set(key, finished);
    this.#live.push(finished);
    const written = this.#writeOutcome(finished, how);
    written.catch((error: unknown) => this.#break(error));
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
    return written;
  }

  #writeOutcome(finished: Finished, how: Writing): Promise<void> {
    const { key, outcome, at } = finished;
    if (outcome.kind === 'done') this.#bytes += outcome.value.text.length;
    const { data, blob } = outcomeData(finished);
    return this.#put({ key, kind: 'outcome', at, data }, how, blob);
  }

  #write(kind: EntryKind, key: string, data: JsonObject, how: Writing = 'waited for'): Promise<void> {
    return this.#put({ key, kind, at: this.#options.timeOfDay(), data: JSON.stringify(data) }, how);
  }

  #put(entry: Omit<Entry, 'seq'>, how: Writing, blob?: Blob): Promise<void> {
    const { writer, runId } = this.#options;
    if (this.#broken) return Promise.reject(this.#broken);
    if (!writer) return Promise.resolve();
    const change: Change = { type: 'entry', runId, entry: { seq: ++this.#seq, ...entry }, blob };
    return how === 'along' ? writer.writeAlong(change) : writer.write(change);
  }

  #break(error: unknown): void {
    this.#broken ??= error instanceof Error ? error : new Error(messageOf(error));
    this.#timers.stopAll();
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }
}

/** `along`: nobody waits for the entry to be durable. */
type Writing = 'waited for' | 'along';

const CRASHED: StepError = {
  code: 'OUTCOME_UNKNOWN',
  message: 'the proxy ended during the call',
  delivered: 'unknown',
  crashed: true,
};

function cancelledBefore({ reason }: Cancellation): Outcome {
  return { kind: 'failed', error: { code: 'CANCELLED', message: reason ?? 'cancelled', delivered: false } };
}
