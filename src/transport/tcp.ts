/** The link to a server that speaks newline-delimited JSON over a TCP connection. */
import { connect, Socket } from 'node:net';
import { systemClock } from '../core/clock.ts';
import type { Clock } from '../core/clock.ts';
import type { ProxyError } from '../core/errors.ts';
import { GuardedEvents } from './guarded-events.ts';
import { badResponse, transportError } from './http-client/errors.ts';
import { incomingLines, readLines } from './message-reader.ts';
import { LineWriter } from './bytes/line-writer.ts';
import type { Link, LinkLimits, OpenLink } from './link.ts';
import { SendQueue } from './bytes/send-queue.ts';

export interface TcpOptions {
  /** The server's name, for messages. */
  readonly describe: string;
  readonly host: string;
  readonly port: number;
  readonly limits: LinkLimits;
  readonly connectTimeoutMs: number;
  readonly clock?: Clock | undefined;
}

/** A peer that vanished without a word is noticed by the system's probes after this silence, and some more. */
const KEEP_ALIVE_MS = 30_000;
/** The time that the other side has to close as well. */
const CLOSE_MS = 1000;

export function openTcp(options: TcpOptions): OpenLink {
  return (events) => openLink(options, new GuardedEvents(events));
}

function openLink(options: TcpOptions, events: GuardedEvents): Link {
  const { describe: server, limits, connectTimeoutMs, clock = systemClock } = options;
  let connected = false;
  let closing: Promise<void> | undefined;

  const socket = dial(options);
  const writer = new LineWriter(socket);
  const outbox = new SendQueue(writer, { server, queueBytes: limits.queueBytes, events });
  const lines = incomingLines({ server, messageBytes: limits.messageBytes, events });

  function fail(error: ProxyError): void {
    socket.destroy();
    events.closed(closing ? undefined : error);
  }

  const cancelTimeout = clock.after(connectTimeoutMs, () => fail(transportError(server, timedOut(), false)));
  socket.once('connect', () => {
    cancelTimeout();
    connected = true;
  });
  readLines(socket, lines);
  socket.once('end', () => lines.end());
  socket.on('error', (error) => fail(transportError(server, error, connected)));
  socket.once('close', () => {
    cancelTimeout();
    fail(badResponse(server, 'closed the connection'));
  });

  return {
    send: (message) => outbox.send(message),
    close: () => (closing ??= hangUp(socket, writer)),
  };
}

function dial({ host, port }: TcpOptions): Socket {
  try {
    return connect({ host, port, noDelay: true, keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE_MS });
  } catch (error) {
    // A port out of range throws at once; a link tells its troubles later.
    return new Socket().destroy(error as Error);
  }
}

function hangUp(socket: Socket, writer: LineWriter): Promise<void> {
  return new Promise((resolve) => {
    if (socket.closed) return resolve();
    const timer = setTimeout(() => socket.destroy(), CLOSE_MS);
    socket.once('close', () => {
      clearTimeout(timer);
      resolve();
    });
    if (socket.connecting) socket.destroy();
    else writer.end();
  });
}

function timedOut(): Error {
  return Object.assign(new Error('connect timed out'), { code: 'ETIMEDOUT' });
}
