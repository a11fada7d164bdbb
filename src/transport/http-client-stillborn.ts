/** A link that could not even start: it says so in a later turn, as links tell every other trouble. */
import { ProxyError } from '../core/errors.ts';
import type { Link, LinkEvents } from './link.ts';

export function stillborn(server: string, events: LinkEvents, cause: unknown): Link {
  let told = false;
  const tell = (error: ProxyError | undefined): void => {
    if (told) return;
    told = true;
    events.closed(error);
  };
  const unavailable = new ProxyError('DOWNSTREAM_UNAVAILABLE', {
    message: `"${server}" could not be reached: its address, or that of the HTTP proxy, is no http or https URL.`,
    server,
    delivered: false,
    cause,
  });
  queueMicrotask(() => tell(unavailable));
  return {
    send() {},
    async close() {
      await Promise.resolve();
      tell(undefined);
    },
  };
}
