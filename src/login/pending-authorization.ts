/** Somebody has to log in: said once in the log and in the answer to each call, until somebody has. */
import type { Clock } from '../core/clock.ts';
import { ProxyError } from '../core/errors.ts';
import type { Logger } from '../core/logger.ts';

export interface PendingAuthorizationOptions {
  readonly server: string;
  readonly who: string;
  /** Begins to look for a login that is made elsewhere. */
  readonly made: () => void;
  readonly clock: Clock;
  readonly log: Logger;
}

/** A server may stop demanding a login: one request is let through now and then. */
const TRY_AGAIN_MS = 60_000;

export class PendingAuthorization {
  readonly #options: PendingAuthorizationOptions;
  #error: ProxyError | undefined;
  #tryAgainAt = 0;
  #told = false;

  constructor(options: PendingAuthorizationOptions) {
    this.#options = options;
  }

  /** Why nothing is sent. */
  get error(): ProxyError | undefined {
    return this.#error;
  }

  /** It is time to see whether it still stands; if so, it does no longer, until it is made again. */
  letThrough(): boolean {
    if (this.#options.clock.now() < this.#tryAgainAt) return false;
    this.#error = undefined;
    return true;
  }

  /** @param says ends before the command that it is met by. */
  make(says: string): never {
    const { clock, log, made, server } = this.#options;
    this.#error = this.required(says);
    this.#tryAgainAt = clock.now() + TRY_AGAIN_MS;
    if (!this.#told) log.warn({ server, command: this.command }, 'a login is required');
    this.#told = true;
    made();
    throw this.#error;
  }

  /** @returns whether there was one. */
  met(): boolean {
    const was = this.#error !== undefined;
    this.#error = undefined;
    this.#told = false;
    return was;
  }

  /** For one call, while others may go on. */
  required(says: string, scope?: string): ProxyError {
    const { server } = this.#options;
    const wider = (scope ?? '').split(' ').filter((one) => /^[\w:./-]+$/.test(one));
    const message = `"${server}" ${says} ${[this.command, ...wider.map((one) => `--scope ${one}`)].join(' ')}`;
    return new ProxyError('LOGIN_REQUIRED', { message, server, delivered: false });
  }

  /** The command that a person runs to log in. */
  get command(): string {
    const { server, who } = this.#options;
    return `switchyard login ${argument(server)}${who === '' ? '' : ` --client ${argument(who)}`}`;
  }
}

function argument(text: string): string {
  return /^[\w.-]+$/.test(text) ? text : JSON.stringify(text);
}
