/**
 * The port over the journal: intents before work, outcomes after it; and what is on record already is played
 * again in its order.
 *
 * The interpreter goes on with an outcome before it is durable, so that it shares a transaction with the intents
 * that follow from it: no work begins, and no end is told, before all that led to it is on the disk.
 */
import { createHash } from 'node:crypto';
import { Cancellation } from '../../core/cancellation.ts';
import type { Clock } from '../../core/clock.ts';
import { messageOf } from '../../core/errors.ts';
import { memberText } from '../../json/edit.ts';
import { Json, type JsonObject } from '../../json/json.ts';
import type { Finished, Outcome, Pending, Port, StepError } from '../run/port.ts';
import { type Blob, type Change, type Entry, type EntryKind, eventsOf, type RunEvent } from './journal.ts';
import type { JournalWriter } from './journal-writer.ts';

/** Larger results are stored once, by their hash. */
const INLINE_BYTES = 256 * 1024;
/** A Node timer cannot wait longer. */
const MAX_TIMER_MS = 2_000_000_000;

export interface JournalPortOptions {
  readonly runId: string;
  readonly startedAt: number;
  /** What is on record. */
  readonly entries: readonly Entry[];
  /** `undefined`: only looks; nothing is begun or written. */
  readonly writer: JournalWriter | undefined;
  readonly clock: Clock;
  readonly timeOfDay: () => number;
  readonly newId: () => string;
  readonly resultBytes: number;
}

/** Thrown by `first` when there is nothing more on record, or the port was closed. */
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
  readonly #timers = new Map<string, () => void>();
  #eventsOnRecord = 0;
  /** Those that go with the next transaction: they share an entry. */
  #events: RunEvent[] | undefined;
  #draining = false;
  #seq = 0;
  #now: number;
  #bytes = 0;
  #wake: (() => void) | undefined;
  #broken: Error | undefined;

  constructor(options: JournalPortOptions) {
    this.#options = options;
    this.#now = options.startedAt;
    for (const entry of options.entries) this.#read(entry);
  }

  /** All on record has been handed out. */
  get caughtUp(): boolean {
    return this.#replay.length === 0;
  }

  /** So many works are in flight. */
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
    this.#wait(key, typeof known === 'number' ? known : until);
  }

  signal(key: string): void {
    // Whether it is on record or comes later, `first` hands it out.
    void key;
  }

  /** Somebody's word. Only the first one for a key counts. @returns when it is durable. */
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
    this.#timers.get(key)?.();
    this.#timers.delete(key);
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

  /** A fact about the run that is none of the interpreter's: who resumed it, who answered. */
  note(fact: JsonObject): void {
    if (this.#options.writer) this.#write('note', '', fact).catch(() => {});
  }

  /** Begins nothing any more; works in flight go on. */
  drain(): void {
    this.#draining = true;
  }

  /** Ends all waiting; works in flight are told, and what is not on record by then stays in doubt. */
  close(reason: string): void {
    this.#break(new Suspended(reason));
    for (const signal of this.#works.values()) signal.cancel(reason, 'proxy-stops');
  }

  #read(entry: Entry): void {
    this.#seq = Math.max(this.#seq, entry.seq);
    if (entry.kind === 'event') this.#eventsOnRecord += eventsOf(entry).length;
    else if (entry.kind === 'intent') this.#intents.set(entry.key, JSON.parse(entry.data) as JsonObject);
    else if (entry.kind === 'outcome') {
      const { ms, ...rest } = JSON.parse(entry.data) as {
        readonly ms: number;
        readonly kind: Outcome['kind'];
        readonly error?: StepError;
      };
      const outcome = (
        rest.kind === 'done'
          ? { kind: 'done', value: Json.fromText(memberText(entry.data, 'value') ?? 'null') }
          : { kind: rest.kind, error: rest.error }
      ) as Outcome;
      const finished = { key: entry.key, outcome, at: entry.at, ms };
      this.#recorded.set(entry.key, finished);
      this.#replay.push(finished);
      this.#bytes += entry.data.length;
    }
  }

  /** The first that somebody waits for. Those before it that nobody waits for were dropped, or are waited for later. */
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

  #writeOutcome({ key, outcome, at, ms }: Finished, how: Writing): Promise<void> {
    const put = (data: string, blob?: Blob): Promise<void> =>
      this.#put({ key, kind: 'outcome', at, data }, how, blob);
    if (outcome.kind !== 'done') return put(JSON.stringify({ ...outcome, ms }));
    const { text } = outcome.value;
    this.#bytes += text.length;
    if (text.length <= INLINE_BYTES) return put(`{"kind":"done","ms":${ms},"value":${text}}`);
    const hash = createHash('sha256').update(text).digest('base64url');
    return put(`{"kind":"done","ms":${ms},"value":"$blob"}`, { hash, body: text });
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

  #wait(key: string, until: number): void {
    const { clock, timeOfDay } = this.#options;
    const left = until - timeOfDay();
    const task = (): void => {
      if (timeOfDay() < until) this.#wait(key, until);
      else {
        this.#timers.delete(key);
        this.#complete(key, { kind: 'done', value: Json.of(null) }, 0).catch(() => {});
      }
    };
    this.#timers.set(key, clock.after(Math.min(Math.max(0, Math.ceil(left)), MAX_TIMER_MS), task));
  }

  #break(error: unknown): void {
    this.#broken ??= error instanceof Error ? error : new Error(messageOf(error));
    for (const stop of this.#timers.values()) stop();
    this.#timers.clear();
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }
}

/** Whether anybody waits for an entry to be durable. */
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
