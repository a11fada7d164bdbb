/** The login of one server for one person, as it lies in the store and as this process knows it. */
import type { Clock } from '../core/clock.ts';
import { scopeUnion } from './oauth/challenge.ts';
import type { LoginRecord, Tokens } from './store/login-record.ts';
import type { LoginStore } from './store/login-store.ts';

export interface CachedTokenOptions {
  readonly store: LoginStore;
  readonly id: string;
  /** From the config; a login's token comes on top. */
  readonly headers: Readonly<Record<string, string>>;
  /** There is another token than before. */
  readonly changed: (before: LoginRecord | undefined, now: LoginRecord | undefined) => void;
  readonly clock: Clock;
}

/** Milliseconds between two looks whether somebody has logged out or in elsewhere. */
export const LOOK_MS = 1000;

export class CachedToken {
  readonly #options: CachedTokenOptions;
  #record: LoginRecord | undefined;
  /** The store's mark of what was read last; `undefined`: nothing was read yet. */
  #mark: string | undefined;
  #headers: Readonly<Record<string, string>>;
  #lookAgainAt = 0;

  constructor(options: CachedTokenOptions) {
    this.#options = options;
    this.#headers = options.headers;
  }

  get record(): LoginRecord | undefined {
    return this.#record;
  }

  get tokens(): Tokens | undefined {
    return this.#record?.tokens;
  }

  /** The same object until the token changes. */
  get headers(): Readonly<Record<string, string>> {
    return this.#headers;
  }

  /** The store has something else than was read last. */
  get isStale(): boolean {
    return this.#storeMark !== this.#mark;
  }

  /** The same, looked at now and then. */
  get seemsStale(): boolean {
    const { clock } = this.#options;
    if (!this.#record || clock.now() < this.#lookAgainAt) return false;
    this.#lookAgainAt = clock.now() + LOOK_MS;
    return this.isStale;
  }

  /** Nothing was read yet, and there is something. Most servers need no login: then this is all it costs. */
  get isUnread(): boolean {
    if (this.#mark !== undefined) return false;
    if (this.#storeMark !== '') return true;
    this.#mark = '';
    return false;
  }

  async read(): Promise<void> {
    const { store, id } = this.#options;
    this.#mark = this.#storeMark;
    this.#take(await store.read(id));
  }

  async keep(record: LoginRecord): Promise<void> {
    const { store, id } = this.#options;
    await store.write(id, record);
    this.#mark = this.#storeMark;
    this.#take(record);
  }

  /** Alone among all that share the store. */
  async locked<Result>(work: () => Promise<Result>): Promise<Result> {
    const unlock = await this.#options.store.lock(this.#options.id);
    try {
      return await work();
    } finally {
      await unlock();
    }
  }

  get #storeMark(): string {
    return this.#options.store.mark(this.#options.id);
  }

  #take(record: LoginRecord | undefined): void {
    const before = this.#record;
    this.#record = record;
    const token = record?.tokens?.accessToken;
    if (token === before?.tokens?.accessToken) return;
    const { headers, changed } = this.#options;
    this.#headers = token === undefined ? headers : { ...headers, authorization: `Bearer ${token}` };
    changed(before, record);
  }
}

/** Both what was granted and what was asked for: asking for that again would change nothing. */
export function allowedBy(tokens: Tokens | undefined): string | undefined {
  return scopeUnion(tokens?.scope, tokens?.requestedScope);
}

export function isExpired({ expiresAt }: Tokens): boolean {
  return expiresAt !== undefined && expiresAt <= Date.now();
}
