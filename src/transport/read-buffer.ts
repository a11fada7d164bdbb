/**
 * Reading from a socket without a buffer of 64 KiB made for every read, which is what a socket does by itself and what
 * costs more than the rest of reading a small message.
 */
import type { OnReadOpts } from 'node:net';

const BYTES = 64 * 1024;
/** More is not copied together in one piece of memory with others. */
const SMALL = 4 * 1024;

/** All sockets read into this one, one after the other: a read and what is done with it happen in one go. */
let shared: Buffer | undefined;

/**
 * For `onread` of a socket.
 *
 * @param take gets the bytes for good.
 */
export function reading(take: (chunk: Buffer) => void): OnReadOpts {
  shared ??= Buffer.allocUnsafeSlow(BYTES);
  let next = shared;
  return {
    buffer: () => next,
    callback(bytes, buffer) {
      const read = buffer as Buffer;
      const own = read !== shared;
      // What comes in full buffers is long: each has one of its own, as copying it would cost more.
      next = bytes === read.length ? Buffer.allocUnsafeSlow(BYTES) : (shared as Buffer);
      take(own ? read.subarray(0, bytes) : copied(read, bytes));
      return true;
    },
  };
}

function copied(read: Buffer, bytes: number): Buffer {
  const chunk = bytes > SMALL ? Buffer.allocUnsafeSlow(bytes) : Buffer.allocUnsafe(bytes);
  read.copy(chunk, 0, 0, bytes);
  return chunk;
}
