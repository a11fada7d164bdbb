/** The requests that a client on a pipe can end by their id. */
import type { IdText } from '../../protocol/message.ts';

export interface CancellableRequest {
  readonly id: IdText;
  readonly clientId: string;
  /** The client can name the request to end it; over HTTP it closes the connection instead. */
  readonly cancellable?: boolean;
}

/** Emptied at the end: a `Map` holds what was in it until the next full collection, and with it the whole request. */
interface Entry {
  request: CancellableRequest | undefined;
  end: (() => void) | undefined;
}

export class CancellableRequests {
  /** Entries by client and id; of two requests with one id the later one has the name. */
  readonly #entries = new Map<string, Entry>();

  add(request: CancellableRequest, end: () => void): void {
    if (request.cancellable === true) this.#entries.set(keyOf(request), { request, end });
  }

  forget(request: CancellableRequest): void {
    if (request.cancellable !== true) return;
    const key = keyOf(request);
    const entry = this.#entries.get(key);
    if (entry?.request !== request) return;
    entry.request = entry.end = undefined;
    this.#entries.delete(key);
  }

  cancel(clientId: string, id: IdText): void {
    this.#entries.get(keyOf({ clientId, id }))?.end?.();
  }
}

function keyOf({ clientId, id }: CancellableRequest): string {
  return `${clientId} ${id}`;
}
