/** A link that could not even start: it says so in a later turn, as links tell every other trouble. */
import { ProxyError } from '../core/errors.ts';
import type { Link, LinkEvents } from './link.ts';

export function failedLink(events: LinkEvents, why: ProxyError): Link {
  let told = false;
  const tell = (error: ProxyError | undefined): void => {
    if (told) return;
    told = true;
    events.closed(error);
  };
  queueMicrotask(() => tell(why));
  return {
    send() {},
    async close() {
      await Promise.resolve();
      tell(undefined);
    },
  };
}

/** The address of a remote server, or of the HTTP proxy before it, is none. */
export function badAddress(server: string, cause: unknown): ProxyError {
  return new ProxyError('DOWNSTREAM_UNAVAILABLE', {
    message: `"${server}" could not be reached: its address, or that of the HTTP proxy, is no http or https URL.`,
    server,
    delivered: false,
    cause,
  });
}
