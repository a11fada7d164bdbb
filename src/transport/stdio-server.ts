/**
 * Our own face to the client that started us: lines in on stdin, lines out on stdout.
 */
import type { Readable, Writable } from 'node:stream';
import type { MessageText } from '../json/elided.ts';
import { type Clock, systemClock } from '../core/clock.ts';
import { LineReader } from './bytes/line-reader.ts';
import { LineWriter } from './bytes/line-writer.ts';
import { lengthOf, type EncodedMessage } from '../json/message-text.ts';
import type { LinkLimits } from './link.ts';
import { readFrom } from './bytes/socket-reader.ts';
import { UnreadPatience, untakenBytes } from './bytes/unread-client.ts';

export interface StdioServerOptions {
  readonly stdin: Readable;
  readonly stdout: Writable;
  /** While more than `queueBytes` of answers wait to be read, nothing further is taken in. */
  readonly limits: LinkLimits;
  onLine(text: MessageText): void;
  /** A message went past that is too large; `hasMethod`: it is a request (if it has an id), not an answer. */
  onOversized(bytes: number, id: number | string | undefined, hasMethod: boolean): void;
  /** The answer to the request with this id (JSON) finds no room. @returns what is sent instead. */
  instead(id: string, waitingBytes: number): string;
  /** Too much waits, and the client takes nothing (again). */
  onUnread?: ((waitingBytes: number) => void) | undefined;
  /** Comes once: the client says no more, and may still read. The reason is a sentence part for the log. */
  onInputEnd(reason: string): void;
  /** Comes once: nobody reads any more. */
  onGone(reason: string): void;
  readonly clock?: Clock | undefined;
}

export interface StdioServer {
  /** Never throws. Answers still go out after the client has closed our input. */
  send(message: EncodedMessage): void;
  /** Bytes that were sent and are not read yet. */
  readonly waitingBytes: number;
  /** More than may wait does so, and the client takes nothing: what it asks could not be answered. */
  readonly isUnread: boolean;
  /** Takes no more input and waits until all is written, but not for a client that does not read. */
  close(): Promise<void>;
}

const FLUSH_MS = 1000;
/** Answers to what had been asked before too much waited may go so many times beyond, for a client that reads. */
const BEYOND = 4;
const CHUNK = 64 * 1024;
const MOST_HELD = 1024 * 1024;
/** And short ones, such as those that say that there is no room, a little further. */
const SHORT = 4 * 1024;
const ROOM_FOR_SHORT = 1024 * 1024;

export function openStdioServer(options: StdioServerOptions): StdioServer {
  const { stdin, stdout, limits } = options;
  const writer = new LineWriter(stdout);
  let reading = true;
  let writing = true;
  let over = false;
  /** Input that comes while too much waits. */
  let held: Buffer[] | undefined;
  /** Sent beyond what may be, since too much waits. */
  let beyondBytes = 0;

  const patience = new UnreadPatience({
    untaken: () => writer.waitingBytes + untakenBytes(stdout),
    looked(isTaken) {
      if (writer.waitingBytes <= limits.queueBytes) {
        release();
        return false;
      }
      // Whoever takes nothing may be gone, which is seen only at the end of what it says.
      if (!isTaken && held !== undefined) {
        options.onUnread?.(writer.waitingBytes);
        release();
      }
      return !over && writing;
    },
    clock: options.clock ?? systemClock,
  });
  const release = (): void => {
    const chunks = held ?? [];
    held = undefined;
    if (writer.waitingBytes <= limits.queueBytes) beyondBytes = 0;
    for (const chunk of chunks) take(chunk);
    if (held === undefined && reading) stdin.resume();
  };
  const hold = (): void => {
    patience.begin();
    if (!patience.isOver) held ??= [];
  };

  const lines = new LineReader(limits.messageBytes, {
    line: (text) => reading && options.onLine(text),
    oversized: ({ bytes, id, hasMethod }) => reading && options.onOversized(bytes, id, hasMethod),
  });
  const take = (chunk: Buffer): void => {
    if (held === undefined) return void lines.push(chunk);
    // Read on for a while, since the end of our input is seen only by whoever reads.
    held.push(chunk);
    if (held.length * CHUNK > MOST_HELD) stdin.pause();
  };
  const stopReading = (): void => {
    reading = false;
    stdin.pause();
  };
  const inputEnded = (): void => {
    if (over || !reading) return;
    stopReading();
    options.onInputEnd('the client closed our input');
  };
  const outputEnded = (): void => {
    const isNews = writing && !over;
    writing = false;
    if (!isNews) return;
    stopReading();
    patience.end();
    // EPIPE: the client is gone, or at least it no longer listens.
    options.onGone('the client closed our output');
  };

  readFrom(stdin, take);
  stdin.once('end', () => {
    release();
    if (reading) lines.end();
    inputEnded();
  });
  stdin.once('close', inputEnded);
  stdin.on('error', inputEnded);
  stdout.on('error', outputEnded);
  stdout.once('close', outputEnded);
  stdout.on('drain', () => {
    if (writer.waitingBytes <= limits.queueBytes) release();
  });

  /** Too much waits. */
  function sendBeyond(message: EncodedMessage): void {
    hold();
    const most = patience.isOver ? limits.queueBytes : BEYOND * limits.queueBytes;
    if (writer.waitingBytes <= most) return writer.write(message);
    const id = answeredId(message);
    const isLong = lengthOf(message) > SHORT;
    // Notices are left out: nobody waits for them.
    if (isLong && id === undefined && !isQuestion(message)) return;
    const short = isLong && id !== undefined ? options.instead(id, writer.waitingBytes) : message;
    beyondBytes += lengthOf(short);
    if (beyondBytes <= ROOM_FOR_SHORT) writer.write(short);
  }

  return {
    send(message) {
      if (!writing) return;
      // One answer may be larger than what may wait.
      if (writer.waitingBytes <= limits.queueBytes) writer.write(message);
      else sendBeyond(message);
    },
    get isUnread() {
      return patience.isOver;
    },
    get waitingBytes() {
      return writer.waitingBytes;
    },
    async close() {
      over = true;
      stopReading();
      patience.end();
      await flushed(stdout, writer);
    },
  };
}

const ANSWER = /^\{"jsonrpc":"2\.0","id":("(?:[^"\\]|\\.)*"|-?[\d.eE+-]+),"(?:result|error)":/;

/** The id in an answer of ours, as it is spelt there. */
function answeredId(message: EncodedMessage): string | undefined {
  return ANSWER.exec(headOf(message))?.[1];
}

function isQuestion(message: EncodedMessage): boolean {
  return headOf(message).startsWith('{"jsonrpc":"2.0","id":');
}

function headOf(message: EncodedMessage): string {
  return typeof message === 'string' ? message : String(message[0] ?? '');
}

/** Resolves when all is handed to the system, the stream is broken, or the time is up. */
function flushed(stdout: Writable, writer: LineWriter): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, FLUSH_MS);
    const done = (): void => {
      clearTimeout(timer);
      resolve();
    };
    stdout.once('close', done);
    writer.flush(done);
  });
}
