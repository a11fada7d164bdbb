/** Tells a legacy server that a session is over. */
import type { Clock } from '../../core/clock.ts';
import { type Receiver, ResponseExchange } from './exchange.ts';
import type { RequestEncoder } from './request-headers.ts';

/** A slow server is not waited for longer than this. */
const DELETE_MS = 1000;

/** Servers need not know of it (405): the answer means nothing. */
export function endSession(wire: RequestEncoder, clock: Clock): Promise<void> {
  return new Promise((resolve) => {
    const cancelTimer = clock.after(DELETE_MS, resolve);
    const done = (): void => {
      cancelTimer();
      resolve();
    };
    const receiver: Receiver = {
      sending() {},
      head: () => 'nothing',
      event() {},
      retry() {},
      complete: done,
      broke: done,
    };
    wire.delete(new ResponseExchange(receiver, 0));
  });
}
