/**
 * A transport whose code is loaded when it is first opened: HTTP and WebSockets take longer to load than everything
 * else a start needs, and many a proxy has only child processes.
 */
import { messageOf, ProxyError } from '../core/errors.ts';
import type { Link, OpenLink, Outgoing } from './link.ts';

/** Loads, then opens. What is sent meanwhile goes out in order. */
export function lazyLink(server: string, load: () => Promise<OpenLink>): OpenLink {
  return (events) => {
    let link: Link | undefined;
    let version: string | undefined;
    let waiting: Outgoing[] = [];
    let closed = false;
    const opened = load().then(
      (open) => {
        if (closed) return;
        link = open(events);
        if (version !== undefined) link.agreed?.(version);
        for (const message of waiting) link.send(message);
        waiting = [];
      },
      (error: unknown) => {
        closed = true;
        events.closed(notLoaded(server, error));
      },
    );
    return {
      send(message) {
        if (link) link.send(message);
        else if (!closed) waiting.push(message);
      },
      agreed(protocolVersion) {
        version = protocolVersion;
        link?.agreed?.(protocolVersion);
      },
      abandon(id) {
        if (link) return link.abandon?.(id) ?? false;
        waiting = waiting.filter((message) => message.id !== id);
        return true;
      },
      whySilent: () => link?.whySilent?.() ?? '',
      async close() {
        if (link) return link.close();
        if (closed) return;
        closed = true;
        await opened;
        events.closed(undefined);
      },
    };
  };
}

function notLoaded(server: string, cause: unknown): ProxyError {
  const message = `"${server}" could not be reached: a part of this program could not be loaded (${messageOf(cause)}). Install it again.`;
  return new ProxyError('DOWNSTREAM_UNAVAILABLE', { message, server, delivered: false, cause });
}
