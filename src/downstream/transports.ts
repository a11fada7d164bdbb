/** The ways to reach one downstream server, before it is known which of them, and which era, it speaks. */
import type { OpenLink } from '../transport/link.ts';

export type Transports = OneLink | HttpLinks;

/** A transport that is the same for both eras: a child process, TCP, a WebSocket, legacy SSE. */
export interface OneLink {
  readonly kind: 'one';
  /** The server runs already: nothing has to be started for an answer. */
  readonly remote: boolean;
  readonly open: OpenLink;
}

/** Streamable HTTP differs by era; SSE is what a server from before it speaks. */
export interface HttpLinks {
  readonly kind: 'http';
  readonly modern: OpenLink;
  readonly legacy: OpenLink;
  readonly sse: OpenLink | undefined;
  /** The address is one that servers of the older SSE transport mostly have. */
  readonly namedForSse: boolean;
  /** Recognizes the statuses after which the spec has clients try the older way. */
  readonly saysOlder: (error: unknown) => boolean;
}
