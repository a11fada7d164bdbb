/**
 * Bounds how many calls are under way on one server; others wait in turn, client by client, up to a limit.
 *
 * A client that floods fills only what the others leave of the queue.
 */
import type { Call, Middleware } from '../core/call.ts';
import { ProxyError } from '../core/errors.ts';

export interface GateOptions {
  /** The config key. */
  readonly server: string;
  readonly maxConcurrency: number;
  readonly maxQueue: number;
}

/** The slots of one server and the queue before them. */
export class Gate {
  readonly #options: GateOptions;
  /** By client; the first is served next, and goes to the end if it has more. */
  readonly #queue = new Map<string, Waiting[]>();
  #queued = 0;
  #running = 0;

  constructor(options: GateOptions) {
    this.#options = options;
  }

  get running(): number {
    return this.#running;
  }

  get queued(): number {
    return this.#queued;
  }

  /** @returns what to wait for, if there is no free slot. @throws ProxyError `BUSY` | `CANCELLED` */
  enter(call: Call): Promise<void> | undefined {
    if (this.#running < this.#options.maxConcurrency) {
      this.#running++;
      return undefined;
    }
    return this.#wait(call);
  }

  leave(): void {
    const next = this.#shift();
    if (next) next.go();
    else this.#running--;
  }

  #wait({ client: { id }, signal }: Call): Promise<void> {
    if (this.#queued >= this.#options.maxQueue && !this.#makeRoomFor(id)) return Promise.reject(this.#busy());
    return new Promise((resolve, reject) => {
      const waiting: Waiting = {
        go: () => {
          off();
          resolve();
        },
        refuse: (error) => {
          off();
          reject(error);
        },
      };
      const mine = this.#queue.get(id);
      if (mine) mine.push(waiting);
      else this.#queue.set(id, [waiting]);
      this.#queued++;
      // The listener runs at once where the call is cancelled already.
      let off = (): void => {};
      off = signal.onCancel((reason) => {
        this.#remove(id, waiting);
        reject(this.#cancelled(reason));
      });
    });
  }

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
    this.#queue.delete(id);
    if (waiting.length > 0) this.#queue.set(id, waiting);
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

interface Waiting {
  readonly go: () => void;
  readonly refuse: (error: ProxyError) => void;
}

/** @throws ProxyError `BUSY` where the queue is full. */
export function concurrency(gate: Gate): Middleware {
  return (next) => async (call) => {
    const turn = gate.enter(call);
    if (turn) await turn;
    try {
      return await next(call);
    } finally {
      gate.leave();
    }
  };
}
