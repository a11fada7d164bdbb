/** One request on its way through a connection, and who hears what becomes of it. */
import type { Dispatcher } from 'undici';
import type { ResponseHeaders } from './http-client-errors.ts';

/** Whose turn it is on. */
export interface Carrier {
  fail(error: Error): void;
  pause(): void;
  resume(): void;
}

export class HttpJob implements Dispatcher.DispatchController {
  readonly request: Dispatcher.DispatchOptions;
  readonly #handler: Dispatcher.DispatchHandler;
  /** From its beginning to its end. */
  #carrier: Carrier | undefined;
  #reason: Error | null = null;
  #paused = false;

  constructor(request: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler) {
    this.request = request;
    this.#handler = handler;
  }

  get aborted(): boolean {
    return this.#reason !== null;
  }

  get reason(): Error | null {
    return this.#reason;
  }

  get paused(): boolean {
    return this.#paused;
  }

  abort(reason: Error): void {
    this.#reason ??= reason;
    this.#carrier?.fail(reason);
  }

  pause(): void {
    this.#paused = true;
    this.#carrier?.pause();
  }

  resume(): void {
    this.#paused = false;
    this.#carrier?.resume();
  }

  /** It is about to be written. @returns whether it still is. */
  begin(carrier: Carrier): boolean {
    this.#handler.onRequestStart?.(this, undefined);
    if (this.aborted) return false;
    this.#carrier = carrier;
    return true;
  }

  head(status: number, headers: ResponseHeaders): void {
    this.#handler.onResponseStart?.(this, status, headers as Record<string, string | string[]>);
  }

  data(chunk: Buffer): void {
    this.#handler.onResponseData?.(this, chunk);
  }

  end(): void {
    this.#carrier = undefined;
    this.#handler.onResponseEnd?.(this, {});
  }

  fail(error: Error): void {
    this.#carrier = undefined;
    this.#handler.onResponseError?.(this, error);
  }
}
