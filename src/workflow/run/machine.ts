/**
 * Runs routines over the port: one loop that starts what is ready, waits for the first to finish, and repeats.
 */
import type { Port } from './port.ts';
import type { RoutineRequest, CallAsk, Resumed, Routine } from './routine.ts';

/** The owner of a routine: it may be halted, and has a number of places. */
export interface Owner {
  readonly parent: Owner | undefined;
  readonly places: number;
  /** Places in use, those of inner owners included. */
  used: number;
  /** Set when nothing new is waited for on the owner's behalf. */
  halted: Halt | undefined;
}

export type Halt = 'stop' | 'cancel';

interface Strand {
  readonly owner: Owner;
  readonly routine: Routine<unknown>;
  readonly done: (result: unknown) => void;
  /** The routine comes to its end whatever is halted: it undoes the work of others. */
  readonly shielded: boolean;
  asks: RoutineRequest | undefined;
  /** The keys that the strand waits for at the port. */
  keys: readonly string[];
}

export interface Activity {
  /** Calls in flight or waiting for a place. */
  readonly calls: number;
  /** Routines that wait for a time only. */
  readonly timers: number;
  /** Routines that wait for an answer. */
  readonly questions: number;
}

export class RoutineLoop {
  readonly #port: Port;
  readonly #waiting = new Map<string, Strand>();
  readonly #queue: Strand[] = [];
  readonly #ready: (() => void)[] = [];
  #finished = false;

  constructor(port: Port) {
    this.#port = port;
  }

  get activity(): Activity {
    let [calls, timers, questions] = [this.#queue.length, 0, 0];
    for (const strand of new Set(this.#waiting.values())) {
      if (strand.asks?.ask === 'call') calls++;
      else if (strand.asks?.ask === 'race' && strand.asks.ends !== 'never') {
        if (strand.asks.signal === undefined) timers++;
        else questions++;
      }
    }
    return { calls, timers, questions };
  }

  /** Goes on until `finish` is called. `idle` is called before every wait. */
  async turn(idle: () => void): Promise<void> {
    for (;;) {
      for (let next = this.#ready.shift(); next; next = this.#ready.shift()) next();
      if (this.#finished) return;
      if (this.#waiting.size === 0) throw new Error('the run waits for nothing');
      idle();
      const finished = await this.#port.first(this.#waiting);
      const strand = this.#waiting.get(finished.key);
      if (strand) this.#resume(strand, { finished });
    }
  }

  /** Ends all waiting. */
  finish(): void {
    this.#finished = true;
    for (const key of this.#waiting.keys()) this.#port.drop(key);
    this.#waiting.clear();
  }

  spawn<T>(owner: Owner, routine: Routine<T>, done: (result: T) => void, shielded = false): void {
    const strand: Strand = {
      owner,
      routine,
      done: done as (result: unknown) => void,
      shielded,
      asks: undefined,
      keys: [],
    };
    this.#ready.push(() => this.#advance(strand, {}));
  }

  /** Runs a task after those that are ready now, without growing the stack. */
  later(task: () => void): void {
    this.#ready.push(task);
  }

  /** Ends the waiting on behalf of an owner; only a cancellation aborts calls in flight, and they are always awaited. */
  halt(owner: Owner, how: Halt, reason: string): void {
    owner.halted = owner.halted === 'cancel' ? 'cancel' : how;
    for (const strand of this.#queue.filter((queued) => !queued.shielded && within(queued.owner, owner))) {
      this.#queue.splice(this.#queue.indexOf(strand), 1);
      this.#resume(strand, { interrupted: true });
    }
    for (const strand of new Set(this.#waiting.values())) {
      if (strand.shielded || !within(strand.owner, owner)) continue;
      const { asks } = strand;
      if (asks?.ask === 'call' && how === 'cancel') this.#port.abort(asks.key, reason);
      if (asks?.ask !== 'race' || asks.ends === 'never') continue;
      if (how === 'cancel' || asks.ends === 'with-run') this.#resume(strand, { interrupted: true });
    }
  }

  #resume(strand: Strand, resumed: Resumed): void {
    for (const key of strand.keys) {
      this.#waiting.delete(key);
      if (key !== resumed.finished?.key) this.#port.drop(key);
    }
    if (strand.asks?.ask === 'call' && strand.keys.length > 0) this.#leave(strand.owner);
    strand.asks = undefined;
    strand.keys = [];
    this.#ready.push(() => this.#advance(strand, resumed));
  }

  #advance(strand: Strand, resumed: Resumed): void {
    const next = strand.routine.next(resumed);
    if (next.done === true) {
      strand.done(next.value);
      return;
    }
    const asks = next.value;
    strand.asks = asks;
    if (!strand.shielded && isEnded(strand.owner, asks)) {
      this.#resume(strand, { interrupted: true });
      return;
    }
    switch (asks.ask) {
      case 'call':
        if (this.#queue.length === 0 && hasRoom(strand.owner)) this.#begin(strand, asks);
        else this.#queue.push(strand);
        return;
      case 'race':
        strand.keys = [asks.sleep?.key, asks.signal].filter((key) => key !== undefined);
        for (const key of strand.keys) this.#waiting.set(key, strand);
        if (asks.sleep) this.#port.sleep(asks.sleep.key, asks.sleep.until);
        if (asks.signal !== undefined) this.#port.signal(asks.signal);
        return;
      case 'park':
        asks.start((value) => this.#resume(strand, { value }));
    }
  }

  #begin(strand: Strand, asks: CallAsk): void {
    for (let owner: Owner | undefined = strand.owner; owner; owner = owner.parent) owner.used++;
    strand.keys = [asks.key];
    this.#waiting.set(asks.key, strand);
    this.#port.step(asks.key, asks.intent, asks.work);
  }

  #leave(left: Owner): void {
    for (let owner: Owner | undefined = left; owner; owner = owner.parent) owner.used--;
    // Queued like all tasks, so that strands which this outcome makes ready keep their order.
    if (this.#queue.length > 0) this.#ready.push(() => this.#fill());
  }

  #fill(): void {
    for (let index = 0; index < this.#queue.length;) {
      const strand = this.#queue[index] as Strand;
      if (!hasRoom(strand.owner)) index++;
      else {
        this.#queue.splice(index, 1);
        this.#begin(strand, strand.asks as CallAsk);
      }
    }
  }
}

/** The owner was halted meanwhile: the routine must not begin anything that the halt would have ended. */
function isEnded(owner: Owner | undefined, asks: RoutineRequest): boolean {
  if (!owner || asks.ask === 'park' || (asks.ask === 'race' && asks.ends === 'never')) return false;
  const ends =
    owner.halted === 'cancel' || (owner.halted === 'stop' && asks.ask === 'race' && asks.ends === 'with-run');
  return ends || isEnded(owner.parent, asks);
}

function hasRoom(owner: Owner | undefined): boolean {
  return owner === undefined || (owner.used < owner.places && hasRoom(owner.parent));
}

function within(owner: Owner | undefined, ancestor: Owner): boolean {
  return owner !== undefined && (owner === ancestor || within(owner.parent, ancestor));
}
