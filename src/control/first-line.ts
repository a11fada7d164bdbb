/** The first line of a connection, and the bytes behind it. */
import type { Socket } from 'node:net';

export interface FirstLine {
  readonly line: string;
  /** The bytes behind the line. */
  readonly rest: Buffer;
}

const NEWLINE = 0x0a;

/** Leaves the socket paused. `undefined`: none came in time, or in the space there is; the socket is destroyed. */
export function firstLine(
  socket: Socket,
  { maxBytes, withinMs }: { readonly maxBytes: number; readonly withinMs: number },
): Promise<FirstLine | undefined> {
  return new Promise((resolve) => {
    let held: Buffer = Buffer.alloc(0);
    const done = (found: FirstLine | undefined): void => {
      clearTimeout(timer);
      socket.off('data', take).off('close', gone);
      if (found) socket.pause();
      else socket.destroy();
      resolve(found);
    };
    const gone = (): void => done(undefined);
    const take = (chunk: Buffer): void => {
      held = Buffer.concat([held, chunk]);
      const end = held.indexOf(NEWLINE);
      if (end >= 0) done({ line: held.toString('utf8', 0, end), rest: held.subarray(end + 1) });
      else if (held.length > maxBytes) done(undefined);
    };
    const timer = setTimeout(gone, withinMs).unref();
    socket.on('data', take).once('close', gone);
  });
}
