/**
 * Reading from sockets at less than what a socket's stream costs, which is more than the rest of reading a small message.
 */
import { type OnReadOpts, Socket } from 'node:net';
import type { Readable } from 'node:stream';

const BYTES = 64 * 1024;
/** Less is copied to where other small things are. */
const SMALL = 4 * 1024;

/** All sockets read into this one, one after the other: a read and what is done with it happen in one go. */
let shared: Buffer | undefined;

/**
 * The `onread` of a socket of ours: without a buffer of 64 KiB made for every read, and without a stream.
 *
 * @param take gets the bytes for good.
 */
export function socketReader(take: (chunk: Buffer) => void): OnReadOpts {
  const ours = (shared ??= Buffer.allocUnsafeSlow(BYTES));
  let next = ours;
  return {
    buffer: () => next,
    callback(bytes, buffer) {
      const read = buffer as Buffer;
      // What comes in full buffers is long: from then on each has one of its own, as copying would cost more.
      next = bytes === BYTES ? Buffer.allocUnsafeSlow(BYTES) : ours;
      take(read === ours ? copied(read, bytes) : read.subarray(0, bytes));
      return true;
    },
  };
}

function copied(read: Buffer, bytes: number): Buffer {
  const chunk = bytes < SMALL ? Buffer.allocUnsafe(bytes) : Buffer.allocUnsafeSlow(bytes);
  read.copy(chunk, 0, 0, bytes);
  return chunk;
}

/**
 * Takes what comes in on a stream; on a socket that somebody else has made, past the stream as long as it is not paused.
 *
 * A socket hands what it has read to its own `push`. If it ever stops doing so, all comes as `data`.
 */
export function readFrom(stream: Readable, take: (chunk: Buffer) => void): void {
  stream.on('data', take);
  if (!(stream instanceof Socket)) return;
  const push = stream.push.bind(stream);
  stream.push = (chunk: Buffer | null) => {
    if (chunk === null || stream.isPaused() || stream.readableLength > 0) return push(chunk);
    take(chunk);
    return true;
  };
}
