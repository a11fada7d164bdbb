/**
 * A server's questions for roots, and the calls that wait for them: what a server does with a call depends on the roots
 * that it knows. A modern client can be asked only while it waits for an answer, so that its call takes them along.
 */
import type { Call } from '../core/call.ts';
import type { Clock } from '../core/clock.ts';
import type { Json } from '../json/json.ts';
import type { IncomingQuestion } from './connection/server-requests.ts';
import { cannotTellWho, put } from './questions.ts';

/** Calls wait so long for a server to ask, and for a client to answer. */
const WAIT_MS = 1000;
/** The time for a server to take roots in: it sends nothing when it has. */
const TAKES_IN_MS = 100;

export interface RootsOptions {
  readonly server: string;
  /** Has the server ask again. */
  readonly remind: () => void;
  readonly clock: Clock;
}

interface Held {
  readonly question: IncomingQuestion;
  readonly resolve: (answer: Promise<Json>) => void;
}

export class Roots {
  readonly #options: RootsOptions;
  readonly #held = new Set<Held>();
  /** The server did not wait for long enough: it has to be reminded. */
  #givenUp = false;
  /** The handshake with a server that is known to ask is just over. */
  #expected = false;
  /** The client is being asked outside of any call. */
  #answering: Promise<void> | undefined;
  #asking: Promise<void> | undefined;
  #arrived: (() => void) | undefined;

  constructor(options: RootsOptions) {
    this.#options = options;
  }

  /** A call has to wait, or to take questions along. */
  get any(): boolean {
    return (
      this.#held.size > 0 ||
      this.#givenUp ||
      this.#expected ||
      this.#answering !== undefined ||
      this.#asking !== undefined
    );
  }

  /** A new connection begins without open questions; some servers are sure to ask. */
  handshakeDone(willAsk: boolean): void {
    this.#held.clear();
    this.#givenUp = false;
    this.#expected = willAsk;
  }

  /** The client is asked at once. */
  asked(answer: Promise<Json>): void {
    const answering = this.#takenIn([answer]).finally(() => {
      if (this.#answering === answering) this.#answering = undefined;
    });
    this.#answering = answering;
    this.#expected = false;
    this.#arrived?.();
  }

  /** The client is asked with its next call. */
  hold(question: IncomingQuestion): Promise<Json> {
    return new Promise((resolve, reject) => {
      const held: Held = { question, resolve };
      this.#held.add(held);
      this.#givenUp = this.#expected = false;
      this.#arrived?.();
      question.signal.onCancel(() => {
        if (!this.#held.delete(held)) return;
        this.#givenUp = true;
        reject(cannotTellWho(question.method, this.#options.server));
      });
    });
  }

  /** Puts them to the client that makes this call; one call takes all of them along, and others wait for it. */
  async ready(call: Call): Promise<void> {
    this.#asking ??= this.#ask(call).finally(() => {
      this.#asking = undefined;
    });
    await this.#asking;
  }

  async #ask(call: Call): Promise<void> {
    if (this.#givenUp || this.#expected) await this.#untilAsked();
    const answering = this.#answering;
    if (answering) await this.#atMost(answering);
    // A silent client holds up one call, not all.
    if (this.#answering === answering) this.#answering = undefined;
    if (this.#held.size > 0) await this.#takenIn(this.#putTo(call));
  }

  #putTo(call: Call): Promise<Json>[] {
    const { ask, client } = call;
    const { server } = this.#options;
    const answers = [...this.#held].map(({ question, resolve }) => {
      const { method, params, signal } = question;
      const answer = ask
        ? put({ client, ask }, { method, params, server, signal })
        : Promise.reject(cannotTellWho(method, server));
      resolve(answer);
      return answer;
    });
    this.#held.clear();
    return answers;
  }

  async #takenIn(answers: readonly Promise<Json>[]): Promise<void> {
    const told = (await Promise.allSettled(answers)).some(({ status }) => status === 'fulfilled');
    if (told) await new Promise<void>((resolve) => this.#options.clock.after(TAKES_IN_MS, resolve));
  }

  async #untilAsked(): Promise<void> {
    const arrived = new Promise<void>((resolve) => (this.#arrived = resolve));
    if (this.#givenUp) this.#options.remind();
    await this.#atMost(arrived);
    this.#arrived = undefined;
    this.#givenUp = this.#expected = false;
  }

  async #atMost(work: Promise<void>): Promise<void> {
    let stop: () => void = () => {};
    const late = new Promise<void>((resolve) => (stop = this.#options.clock.after(WAIT_MS, resolve)));
    await Promise.race([work, late]);
    stop();
  }
}
