/** The endpoint for the one client that started us: both eras on one pipe, told apart message by message. */
import type { Readable, Writable } from 'node:stream';
import type { Clock } from '../core/clock.ts';
import { INTERNAL_ERROR, INVALID_REQUEST, RpcError } from '../core/errors.ts';
import type { ListMode } from '../core/list-mode.ts';
import type { Logger } from '../core/logger.ts';
import type { MessageText } from '../json/elided.ts';
import { batchTexts, encodeErrorText, type Message, readMessage } from '../protocol/message.ts';
import { openStdioServer, type StdioServer } from '../transport/stdio-server.ts';
import { LegacySession } from './legacy/legacy-session.ts';
import { ModernEndpoint } from './modern/modern-endpoint.ts';
import { claimsModern } from './modern/request-envelope.ts';
import { GONE, type ResponseSink } from './response-sink.ts';
import type { ServedProxy } from './served-proxy.ts';

export interface StdioEndpointOptions {
  readonly served: ServedProxy;
  readonly stdin: Readable;
  readonly stdout: Writable;
  readonly clientId: string;
  /** How the client's entry wants tools listed. */
  readonly list?: ListMode | undefined;
  readonly maxMessageBytes: number;
  readonly clock: Clock;
  readonly log: Logger;
  /** The client sends no more; `reads`: it may still wait for answers. */
  readonly ended: (reason: string, reads: boolean) => void;
}

/** The only revision that had batches. */
const BATCH_REVISION = '2025-03-26';

/** Takes messages as soon as it is made. */
export class StdioEndpoint {
  readonly #options: StdioEndpointOptions;
  readonly #modern: ModernEndpoint;
  readonly #pipe: StdioServer;
  #legacy: LegacySession | undefined;
  /** Requests that are not answered yet, subscriptions aside. */
  #open = 0;
  #noneOpen: () => void = () => {};
  #stopping = false;

  constructor(options: StdioEndpointOptions) {
    const { served, clock, log } = options;
    this.#options = options;
    this.#modern = new ModernEndpoint({ served, clock, log });
    this.#pipe = openStdioServer({
      stdin: options.stdin,
      stdout: options.stdout,
      limits: { messageBytes: options.maxMessageBytes, queueBytes: served.limits.unreadBytes },
      onLine: (text) => this.#receive(text),
      onOversized: (bytes, id, hasMethod) => {
        log.warn({ bytes }, 'the client sent a message that is too large');
        if (hasMethod || id === undefined) this.#pipe.send(tooLarge(id, options.maxMessageBytes));
      },
      instead: (id, waitingBytes) => encodeErrorText(id, noRoom(waitingBytes).json),
      onUnread: (waitingBytes) =>
        log.warn({ waitingBytes }, 'the client does not read its answers (limits.unreadBytes)'),
      onInputEnd: (reason) => options.ended(reason, true),
      onGone: (reason) => {
        // Nobody waits for an answer.
        this.#noneOpen();
        options.ended(reason, false);
      },
      clock,
    });
  }

  /** Lets what is under way finish for `drainMs`, fails the rest, and ends when all is written. */
  async close(drainMs: number): Promise<void> {
    await this.#drained(drainMs);
    this.#stopping = true;
    this.#modern.close();
    this.#legacy?.end(GONE['proxy-stops'], 'proxy-stops');
    // Answers to cancelled requests leave in the next turn of the event loop.
    await new Promise(setImmediate);
    await this.#pipe.close();
  }

  #receive(text: MessageText): void {
    const { depth, values } = this.#options.served.limits;
    const batch = batchTexts(text, values);
    if (batch) this.#receiveBatch(batch);
    else this.#take(readMessage(text, depth, values));
  }

  /** The messages of a batch are taken one by one. */
  #receiveBatch(texts: readonly string[]): void {
    const { depth, values } = this.#options.served.limits;
    if (this.#legacy?.client.protocolVersion === BATCH_REVISION)
      for (const text of texts) this.#take(readMessage(text, depth, values));
    else
      this.#pipe.send(
        encodeErrorText(undefined, RpcError.of(INVALID_REQUEST, 'Batches are not supported').json),
      );
  }

  #take(message: Message): void {
    const { clientId, list } = this.#options;
    if (this.#pipe.isUnread && message.kind === 'request')
      return this.#pipe.send(encodeErrorText(message.id, unread().json));
    if (
      message.kind === 'request' &&
      (claimsModern(message.params) || message.method === 'server/discover')
    ) {
      const { id, method, params } = message;
      void this.#modern.request({
        id,
        method,
        params,
        clientId,
        list,
        responseSink: this.#sinkFor(message),
        cancellable: true,
      });
      return;
    }
    if (message.kind === 'notification' && message.method === 'notifications/cancelled')
      this.#modern.cancelled(clientId, message.params);
    this.#session().take(message, this.#sinkFor(message));
  }

  #session(): LegacySession {
    const { served, clientId, list, log } = this.#options;
    return (this.#legacy ??= new LegacySession({
      served,
      clientId,
      list,
      channel: (text) => this.#pipe.send(text),
      log,
    }));
  }

  #sinkFor(message: Message): ResponseSink {
    if (message.kind !== 'request' || message.method === 'subscriptions/listen') return this.#sink;
    this.#open++;
    return this.#countedSink;
  }

  readonly #sink: ResponseSink = {
    send: (text) => this.#pipe.send(text),
    end: (text) => this.#pipe.send(text),
    drop: (text) => {
      // A cancelled request gets no answer, unless it is the proxy that gives it up.
      if (this.#stopping) this.#pipe.send(text);
    },
    onGone: () => {
      // All requests are on one pipe: they end together, in close().
    },
  };

  /** The sink of requests that end by themselves. */
  readonly #countedSink: ResponseSink = {
    ...this.#sink,
    end: (text) => {
      this.#sink.end(text);
      this.#oneLess();
    },
    drop: (text) => {
      this.#sink.drop(text);
      this.#oneLess();
    },
  };

  #oneLess(): void {
    if (--this.#open === 0) this.#noneOpen();
  }

  #drained(ms: number): Promise<void> | undefined {
    if (this.#open === 0 || ms === 0) return undefined;
    return new Promise((resolve) => {
      const stop = this.#options.clock.after(ms, resolve);
      this.#noneOpen = () => {
        stop();
        resolve();
      };
    });
  }
}

function tooLarge(id: number | string | undefined, limit: number): string {
  const error = RpcError.of(
    INVALID_REQUEST,
    `The message is larger than ${limit} bytes (limits.requestBytes)`,
  );
  return encodeErrorText(id === undefined ? undefined : JSON.stringify(id), error.json);
}

/** Replaces an answer that finds no room: the tool has run. */
function noRoom(waitingBytes: number): RpcError {
  const message = `The answer was left out: ${waitingBytes} bytes of earlier answers wait to be read (limits.unreadBytes). Read them first, or ask for less at a time.`;
  return RpcError.of(INTERNAL_ERROR, message, { code: 'RESULT_TOO_LARGE', delivered: true });
}

/** Answers a request that is not begun. */
function unread(): RpcError {
  const message =
    'Too many answers wait to be read by this client (limits.unreadBytes). Read them, then try again.';
  return RpcError.of(INTERNAL_ERROR, message, { code: 'BUSY', delivered: false });
}
