/** One request on its way through a connection, and who hears what becomes of it. */
import type { Dispatcher } from 'undici';
import type { EncodedMessage } from '../../json/message-text.ts';
import type { ResponseHeaders } from '../http1/fields.ts';

/** A request as undici has them, but for a body in parts. */
export interface HttpRequest extends Omit<Dispatcher.DispatchOptions, 'body'> {
  readonly body?: EncodedMessage;
}

/** The connection that carries the request. */
export interface Channel {
  fail(error: Error): void;
  pause(): void;
  resume(): void;
}

export class PendingRequest implements Dispatcher.DispatchController {
  readonly request: HttpRequest;
  readonly #handler: Dispatcher.DispatchHandler;
  /** From its beginning to its end. */
  #channel: Channel | undefined;
  #reason: Error | null = null;
  #paused = false;

  constructor(request: HttpRequest, handler: Dispatcher.DispatchHandler) {
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
    this.#channel?.fail(reason);
  }

  pause(): void {
    this.#paused = true;
    this.#channel?.pause();
  }

  resume(): void {
    this.#paused = false;
    this.#channel?.resume();
  }

  /** It is about to be written. @returns whether it still is. */
  begin(channel: Channel): boolean {
    this.#handler.onRequestStart?.(this, undefined);
    if (this.aborted) return false;
    this.#channel = channel;
    return true;
  }

  head(status: number, headers: ResponseHeaders): void {
    this.#handler.onResponseStart?.(this, status, headers as Record<string, string | string[]>);
  }

  data(chunk: Buffer): void {
    this.#handler.onResponseData?.(this, chunk);
  }

  end(): void {
    this.#channel = undefined;
    this.#handler.onResponseEnd?.(this, {});
  }

  fail(error: Error): void {
    this.#channel = undefined;
    this.#handler.onResponseError?.(this, error);
  }
}
