/**
 * Bounds how many calls are under way on one server; others wait in turn, client by client, up to a limit.
 *
 * A client that floods fills only what the others leave of the queue.
 */
import { Answer, answerOf, type AnswerStep } from '../core/answer.ts';
import type { Call, Handler, Middleware } from '../core/call.ts';
import type { Cancellable } from '../core/cancellation.ts';
import { ProxyError } from '../core/errors.ts';

export interface ConcurrencyLimitOptions {
  /** The config key. */
  readonly server: string;
  readonly maxConcurrency: number;
  readonly maxQueue: number;
}

/** The slots of one server and the queue before them. */
export class ConcurrencyLimit {
  readonly #options: ConcurrencyLimitOptions;
  /** Queues by client; the first is served next, and goes to the end if it has more. */
  readonly #queue = new Map<string, Waiting[]>();
  #queued = 0;
  #running = 0;
  /** `true` while queued calls are being started. */
  #serving = false;

  constructor(options: ConcurrencyLimitOptions) {
    this.#options = options;
  }

  get running(): number {
    return this.#running;
  }

  get queued(): number {
    return this.#queued;
  }

  /** Hands a call on as soon as a slot is free. @throws ProxyError `BUSY` | `CANCELLED` */
  pass(call: Call, next: Handler): Answer {
    const free = this.#running < this.#options.maxConcurrency && this.#queued === 0;
    return free ? this.#run(call, next) : this.#wait(call, next);
  }

  #run(call: Call, next: Handler): Answer {
    this.#running++;
    return answerOf(next, call).through(this.#left);
  }

  /** One step for all calls, which costs a call nothing: only the count matters, not which call it was. */
  readonly #left: AnswerStep = {
    onResult: (result) => {
      this.#running--;
      this.#serve();
      return result;
    },
    onError: (error) => {
      // A client that cancels this call may be about to cancel its queued calls: they must not be sent before that.
      this.#running--;
      queueMicrotask(this.#serve);
      throw error;
    },
  };

  /** Starts as many queued calls as there are free slots. */
  readonly #serve = (): void => {
    // A call that starts now may fail at once and free its slot: the loop that is running starts the next.
    if (this.#serving) return;
    this.#serving = true;
    while (this.#running < this.#options.maxConcurrency && this.#queued > 0) this.#shift()?.go();
    this.#serving = false;
  };

  #wait(call: Call, next: Handler): Answer {
    const { client, signal } = call;
    const { id } = client;
    if (this.#queued >= this.#options.maxQueue && !this.#makeRoomFor(id)) return Answer.failed(this.#busy());
    const waiting = new Waiting(call, next, this.#ends);
    const mine = this.#queue.get(id);
    if (mine) mine.push(waiting);
    else this.#queue.set(id, [waiting]);
    this.#queued++;
    // A call that is cancelled already is given up at once.
    signal.link(waiting);
    return waiting.answer;
  }

  readonly #ends: WaitingEnds = {
    run: (call, next) => this.#run(call, next),
    givenUp: (waiting, reason) => {
      this.#remove(waiting.call.client.id, waiting);
      waiting.refuse(this.#cancelled(reason));
    },
  };

  /** The greediest client's newest call gives way to a client that has fewer waiting. */
  #makeRoomFor(id: string): boolean {
    let greediest: [string, Waiting[]] | undefined;
    for (const entry of this.#queue)
      if (!greediest || entry[1].length > greediest[1].length) greediest = entry;
    if (!greediest || greediest[1].length <= (this.#queue.get(id)?.length ?? 0) + 1) return false;
    const [whose, waiting] = greediest;
    const last = waiting.at(-1) as Waiting;
    this.#remove(whose, last);
    last.refuse(this.#busy());
    return true;
  }

  #shift(): Waiting | undefined {
    const first = this.#queue.entries().next().value;
    if (!first) return undefined;
    const [id, waiting] = first;
    const next = waiting.shift();
    // A single client needs no order.
    if (waiting.length === 0) this.#queue.delete(id);
    else if (this.#queue.size > 1) {
      this.#queue.delete(id);
      this.#queue.set(id, waiting);
    }
    this.#queued--;
    return next;
  }

  #remove(id: string, waiting: Waiting): void {
    const list = this.#queue.get(id) ?? [];
    const index = list.indexOf(waiting);
    if (index < 0) return;
    list.splice(index, 1);
    if (list.length === 0) this.#queue.delete(id);
    this.#queued--;
  }

  #busy(): ProxyError {
    const { server, maxConcurrency, maxQueue } = this.#options;
    return new ProxyError('BUSY', {
      message: `"${server}" is busy: ${maxConcurrency} calls are under way and ${maxQueue} wait (maxConcurrency, maxQueue). Try again later.`,
      server,
      delivered: false,
    });
  }

  #cancelled(reason: string): ProxyError {
    const { server } = this.#options;
    const message = `The call to "${server}" was cancelled while it waited for its turn: ${reason}.`;
    return new ProxyError('CANCELLED', { message, server, delivered: false });
  }
}

interface WaitingEnds {
  run(call: Call, next: Handler): Answer;
  givenUp(waiting: Waiting, reason: string): void;
}

/** A call that waits for a slot. */
class Waiting implements Cancellable {
  readonly answer = new Answer();
  readonly call: Call;
  readonly #next: Handler;
  readonly #ends: WaitingEnds;

  constructor(call: Call, next: Handler, ends: WaitingEnds) {
    this.call = call;
    this.#next = next;
    this.#ends = ends;
  }

  /** Starts the call in a free slot. */
  go(): void {
    this.call.signal.unlink(this);
    this.answer.follow(this.#ends.run(this.call, this.#next));
  }

  refuse(error: ProxyError): void {
    this.call.signal.unlink(this);
    this.answer.reject(error);
  }

  cancel(reason: string): void {
    this.#ends.givenUp(this, reason);
  }
}

/** @throws ProxyError `BUSY` where the queue is full. */
export function concurrency(gate: ConcurrencyLimit): Middleware {
  return (next) => (call) => gate.pass(call, next);
}
