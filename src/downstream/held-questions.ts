/**
 * Questions for the roots of a modern client, which can be asked only while it waits for an answer: they are held until
 * it calls, and are put to it before that call goes on.
 */
import type { Call } from '../core/call.ts';
import type { Clock } from '../core/clock.ts';
import type { Json } from '../core/json.ts';
import type { IncomingQuestion } from './connection.ts';
import { cannotTellWho, put } from './questions.ts';

/** How long a server may take to ask again, when it is told that there are roots to ask for. */
const ASKS_AGAIN_MS = 1000;
/** What a server gets to look at the roots that it is told: it says nothing when it has. */
const TAKES_IN_MS = 100;

export interface HeldQuestionsOptions {
  readonly server: string;
  /** Has the server ask again. */
  readonly remind: () => void;
  readonly clock: Clock;
}

interface Held {
  readonly question: IncomingQuestion;
  readonly resolve: (answer: Promise<Json>) => void;
}

export class HeldQuestions {
  readonly #options: HeldQuestionsOptions;
  readonly #held = new Set<Held>();
  /** The server did not wait for long enough: it has to be reminded. */
  #givenUp = false;
  #asking: Promise<void> | undefined;
  #arrived: (() => void) | undefined;

  constructor(options: HeldQuestionsOptions) {
    this.#options = options;
  }

  /** Whether a call has to take questions along. */
  get any(): boolean {
    return this.#held.size > 0 || this.#givenUp || this.#asking !== undefined;
  }

  hold(question: IncomingQuestion): Promise<Json> {
    return new Promise((resolve, reject) => {
      const held: Held = { question, resolve };
      this.#held.add(held);
      this.#givenUp = false;
      this.#arrived?.();
      question.signal.onCancel(() => {
        if (!this.#held.delete(held)) return;
        this.#givenUp = true;
        reject(cannotTellWho(question.method, this.#options.server));
      });
    });
  }

  /** Puts them to the client that makes this call; one call takes all of them along, and others wait for it. */
  async askWith(call: Call): Promise<void> {
    this.#asking ??= this.#ask(call).finally(() => {
      this.#asking = undefined;
    });
    await this.#asking;
  }

  /** On a new connection everything is asked anew. */
  clear(): void {
    this.#held.clear();
    this.#givenUp = false;
  }

  async #ask(call: Call): Promise<void> {
    if (this.#givenUp) await this.#askedAgain();
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
    const told = (await Promise.allSettled(answers)).some(({ status }) => status === 'fulfilled');
    if (told) await new Promise<void>((resolve) => this.#options.clock.after(TAKES_IN_MS, resolve));
  }

  async #askedAgain(): Promise<void> {
    const { clock, remind } = this.#options;
    await new Promise<void>((resolve) => {
      const stop = clock.after(ASKS_AGAIN_MS, resolve);
      this.#arrived = () => {
        stop();
        resolve();
      };
      remind();
    });
    this.#arrived = undefined;
    this.#givenUp = false;
  }
}
