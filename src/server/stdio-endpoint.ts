/** The face to the one client that started us: both eras on one pipe, told apart message by message. */
import type { MessageText } from '../json/elided.ts';
import { INTERNAL_ERROR, INVALID_REQUEST, RpcError } from '../core/errors.ts';
import type { ListMode } from '../core/list-mode.ts';
import type { Logger } from '../core/logger.ts';
import type { Clock } from '../core/clock.ts';
import { batchTexts, encodeErrorText, type Message, readMessage } from '../protocol/message.ts';
import { openStdioServer } from '../transport/stdio-server.ts';
import type { Readable, Writable } from 'node:stream';
import { LegacySession } from './legacy-session.ts';
import { claimsModern, ModernEndpoint } from './modern-endpoint.ts';
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
  /** The client says no more; `reads`: it may still wait for answers. */
  readonly ended: (reason: string, reads: boolean) => void;
}

export interface StdioEndpoint {
  /** Lets what is under way finish for `drainMs`, fails the rest, and ends when all is written. */
  close(drainMs: number): Promise<void>;
}

export function openStdioEndpoint(options: StdioEndpointOptions): StdioEndpoint {
  const { served, clientId, list, clock, log } = options;
  const { depth, values } = served.limits;
  const modern = new ModernEndpoint({ served, clock, log });
  let legacy: LegacySession | undefined;
  let open = 0;
  let noneOpen: () => void = () => {};
  let stopping = false;
  const pipe = openStdioServer({
    stdin: options.stdin,
    stdout: options.stdout,
    limits: { messageBytes: options.maxMessageBytes, queueBytes: served.limits.unreadBytes },
    onLine: receive,
    onOversized: (bytes, id, hasMethod) => {
      log.warn({ bytes }, 'the client sent a message that is too large');
      if (hasMethod || id === undefined) pipe.send(tooLarge(id, options.maxMessageBytes));
    },
    instead: (id, waitingBytes) => encodeErrorText(id, noRoom(waitingBytes).json),
    onUnread: (waitingBytes) =>
      log.warn({ waitingBytes }, 'the client does not read its answers (limits.unreadBytes)'),
    onInputEnd: (reason) => options.ended(reason, true),
    onGone: (reason) => {
      // Nobody waits for an answer.
      noneOpen();
      options.ended(reason, false);
    },
    clock,
  });
  const responseSink: ResponseSink = {
    send: (text) => pipe.send(text),
    end: (text) => pipe.send(text),
    drop: (text) => {
      // A cancelled request gets no answer, unless it is the proxy that gives it up.
      if (stopping) pipe.send(text);
    },
    onGone: () => {
      // One pipe for all requests: they end together, in close().
    },
  };
  /** For requests that end by themselves. */
  const countedOutlet: ResponseSink = {
    ...responseSink,
    end(text) {
      responseSink.end(text);
      oneLess();
    },
    drop(text) {
      responseSink.drop(text);
      oneLess();
    },
  };

  function oneLess(): void {
    if (--open === 0) noneOpen();
  }

  function outletOf(message: Message): ResponseSink {
    if (message.kind !== 'request' || message.method === 'subscriptions/listen') return responseSink;
    open++;
    return countedOutlet;
  }

  function receive(text: MessageText): void {
    const batch = batchTexts(text, values);
    if (batch) receiveBatch(batch);
    else take(readMessage(text, depth, values));
  }

  function take(message: Message): void {
    if (pipe.isUnread && message.kind === 'request')
      return pipe.send(encodeErrorText(message.id, unread().json));
    if (
      message.kind === 'request' &&
      (claimsModern(message.params) || message.method === 'server/discover')
    ) {
      const { id, method, params } = message;
      void modern.request({
        id,
        method,
        params,
        clientId,
        list,
        responseSink: outletOf(message),
        cancellable: true,
      });
      return;
    }
    if (message.kind === 'notification' && message.method === 'notifications/cancelled')
      modern.cancelled(clientId, message.params);
    session().take(message, outletOf(message));
  }

  /** Only one revision had batches; what it holds is taken message by message. */
  function receiveBatch(texts: readonly string[]): void {
    if (legacy?.client.protocolVersion === '2025-03-26')
      for (const text of texts) take(readMessage(text, depth, values));
    else
      pipe.send(encodeErrorText(undefined, RpcError.of(INVALID_REQUEST, 'Batches are not supported').json));
  }

  function session(): LegacySession {
    return (legacy ??= new LegacySession({
      served,
      clientId,
      list,
      channel: (text) => pipe.send(text),
      log,
    }));
  }

  function drained(ms: number): Promise<void> | undefined {
    if (open === 0 || ms === 0) return undefined;
    return new Promise((resolve) => {
      const stop = clock.after(ms, resolve);
      noneOpen = () => {
        stop();
        resolve();
      };
    });
  }

  return {
    async close(drainMs) {
      await drained(drainMs);
      stopping = true;
      modern.close();
      legacy?.end(GONE['proxy-stops'], 'proxy-stops');
      // What was cancelled is answered by and by.
      await new Promise(setImmediate);
      await pipe.close();
    },
  };
}

function tooLarge(id: number | string | undefined, limit: number): string {
  const error = RpcError.of(
    INVALID_REQUEST,
    `The message is larger than ${limit} bytes (limits.requestBytes)`,
  );
  return encodeErrorText(id === undefined ? undefined : JSON.stringify(id), error.json);
}

/** In place of an answer: what was asked has happened. */
function noRoom(waitingBytes: number): RpcError {
  const message = `The answer was left out: ${waitingBytes} bytes of earlier answers wait to be read (limits.unreadBytes). Read them first, or ask for less at a time.`;
  return RpcError.of(INTERNAL_ERROR, message, { code: 'RESULT_TOO_LARGE', delivered: true });
}

/** To a request that is not begun. */
function unread(): RpcError {
  const message =
    'Too many answers wait to be read by this client (limits.unreadBytes). Read them, then try again.';
  return RpcError.of(INTERNAL_ERROR, message, { code: 'BUSY', delivered: false });
}
