import type { Client } from '../core/call.ts';

/** Remembers what each client was told; bounded, so that after very much something may be told again. */
export class OncePerClient {
  readonly #told = new Set<string>();

  /** @returns whether it is the first time for this client; from now on it is not. */
  isFirst({ id }: Client, what: string): boolean {
    const key = `${id}\n${what}`;
    if (this.#told.has(key)) return false;
    if (this.#told.size >= MAX_TOLD) this.#told.clear();
    this.#told.add(key);
    return true;
  }
}

const MAX_TOLD = 10_000;
