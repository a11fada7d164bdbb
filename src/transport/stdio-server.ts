/**
 * Our own face to the client that started us: lines in on stdin, lines out on stdout.
 */
import type { Readable, Writable } from 'node:stream';
import type { MessageText } from '../core/abridged.ts';
import { LineFraming } from './line-framing.ts';
import { LineWriter } from './line-writer.ts';
import type { Wire } from '../core/wire.ts';
import type { LinkLimits } from './link.ts';
import { readFrom } from './reading.ts';

export interface StdioServerOptions {
  readonly stdin: Readable;
  readonly stdout: Writable;
  /** Beyond `queueBytes` of unread answers the client counts as gone. */
  readonly limits: LinkLimits;
  onLine(text: MessageText): void;
  /** A message went past that is too large; `hasMethod`: it is a request (if it has an id), not an answer. */
  onOversized(bytes: number, id: number | string | undefined, hasMethod: boolean): void;
  /** Comes once: the client is gone. The reason is a sentence part for the log. */
  onEnd(reason: string): void;
}

export interface StdioServer {
  /** Never throws. Answers still go out after the client has closed our input. */
  send(message: Wire): void;
  /** What was sent and is not read yet. */
  readonly waitingBytes: number;
  /** Takes no more input and waits until all is written, but not for a client that does not read. */
  close(): Promise<void>;
}

const FLUSH_MS = 1000;

export function openStdioServer(options: StdioServerOptions): StdioServer {
  const { stdin, stdout, limits } = options;
  const writer = new LineWriter(stdout);
  let reading = true;
  let writing = true;
  let over = false;

  const lines = new LineFraming(limits.messageBytes, {
    line: (text) => reading && options.onLine(text),
    oversized: ({ bytes, id, hasMethod }) => reading && options.onOversized(bytes, id, hasMethod),
  });
  const take = (chunk: Buffer): void => void lines.push(chunk);
  const stopReading = (): void => {
    reading = false;
    stdin.pause();
  };
  const end = (reason: string): void => {
    if (over) return;
    over = true;
    stopReading();
    options.onEnd(reason);
  };
  const inputEnded = (): void => end('the client closed our input');
  const outputEnded = (): void => {
    writing = false;
    // EPIPE: the client is gone, or at least it no longer listens.
    end('the client closed our output');
  };

  readFrom(stdin, take);
  stdin.once('end', () => {
    if (reading) lines.end();
    inputEnded();
  });
  stdin.once('close', inputEnded);
  stdin.on('error', inputEnded);
  stdout.on('error', outputEnded);
  stdout.once('close', outputEnded);

  return {
    send(message) {
      if (!writing) return;
      // One answer may be larger than what may wait.
      if (writer.waitingBytes <= limits.queueBytes) return writer.write(message);
      writing = false;
      setImmediate(() => end('the client does not read its answers (limits.unreadBytes)'));
    },
    get waitingBytes() {
      return writer.waitingBytes;
    },
    async close() {
      over = true;
      stopReading();
      await flushed(stdout, writer);
    },
  };
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
