/** Turns what a downstream server sends on a shared transport into link events. */
import type { Readable } from 'node:stream';
import type { MessageText } from '../json/elided.ts';
import { tooLargeError } from './http-client/errors.ts';
import { LineReader } from './bytes/line-reader.ts';
import type { LinkEvents } from './link.ts';
import type { Oversized } from '../json/oversized.ts';
import { readFrom } from './bytes/socket-reader.ts';

export interface IncomingOptions {
  readonly server: string;
  readonly messageBytes: number;
  readonly events: LinkEvents;
}

export function incomingLines(options: IncomingOptions): LineReader {
  const { messageBytes, events } = options;
  return new LineReader(messageBytes, {
    line: (text) => takeIn(text, events),
    oversized: (line) => passOver(line, options),
  });
}

/** So many lines in one chunk are a crowd, and a chunk of this size has mostly another behind it. */
const CROWD = 64;
const FULL_CHUNK_BYTES = 64 * 1024;

/** Reads a transport on which one server speaks. While it floods us, everything else gets a turn between its chunks. */
export function readLines(stream: Readable, lines: LineReader): void {
  readFrom(stream, (chunk) => {
    const crowd = lines.push(chunk) >= CROWD && chunk.length >= FULL_CHUNK_BYTES;
    if (!crowd) return;
    // Reading on by itself, the loop would take up to 32 chunks at a time.
    stream.pause();
    setImmediate(() => stream.resume());
  });
}

/**
 * The same for a transport that tells messages apart by itself.
 *
 * @returns to be called for every message.
 */
export function crowdControl(carrier: { pause(): void; resume(): void }): () => void {
  let inThisTurn = 0;
  return () => {
    if (++inThisTurn === CROWD) carrier.pause();
    if (inThisTurn > 1) return;
    setImmediate(() => {
      if (inThisTurn >= CROWD) carrier.resume();
      inThisTurn = 0;
    });
  };
}

/** An oversized answer fails the request it answers; an oversized something else is only odd. */
export function passOver(
  { id, hasMethod }: Oversized,
  { server, messageBytes, events }: IncomingOptions,
): void {
  if (typeof id === 'number' && !hasMethod) events.failed(id, tooLargeError(server, messageBytes));
  else events.odd(`a message of more than ${messageBytes} bytes was skipped`);
}

const OPEN_OBJECT = 0x7b;
/** A message, or a batch of them; a log line as `[INFO] ready` is neither. */
const MESSAGE = /^\s*(?:\[\s*)?\{/;

/** Lets through whatever may be a message; a banner line is odd. */
export function takeIn(text: MessageText, events: LinkEvents): void {
  if (typeof text !== 'string') events.message(text);
  else if (text.charCodeAt(0) === OPEN_OBJECT || MESSAGE.test(text)) events.message(text);
  else if (text.trim() !== '') events.odd('a line that is no message was skipped');
}
