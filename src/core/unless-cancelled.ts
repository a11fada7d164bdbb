import type { Cancellation } from './cancellation.ts';
import { ProxyError } from './errors.ts';

/** @throws ProxyError `CANCELLED` as soon as that happens: what the work would come to then is no answer. */
export async function unlessCancelled<T>(work: Promise<T>, signal: Cancellation): Promise<T> {
  let off: () => void = () => {};
  const cancelled = new Promise<never>((_, reject) => {
    off = signal.onCancel((reason) =>
      reject(new ProxyError('CANCELLED', { message: `This was not answered: ${reason}.`, delivered: false })),
    );
  });
  try {
    return await Promise.race([work, cancelled]);
  } finally {
    off();
  }
}
