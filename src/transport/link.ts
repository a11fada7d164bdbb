/**
 * One connection to a downstream server, whatever carries it: messages out, messages in.
 *
 * A link knows framing, size limits and the life of its transport; of JSON-RPC only what its transport needs
 * (which request a response stream belongs to).
 */
import type { MessageText } from '../json/elided.ts';
import type { ProxyError } from '../core/errors.ts';
import type { EncodedMessage } from '../json/message-text.ts';

export interface Outgoing {
  /** One JSON-RPC message on one line. */
  readonly text: EncodedMessage;
  /** The id of our request; absent for notifications and answers. */
  readonly id?: number | undefined;
  readonly method?: string | undefined;
  /** It was refused for want of a session, and that has been opened anew since. */
  readonly again?: boolean;
  /** Further header fields over HTTP (`Mcp-Name`, `Mcp-Param-…`), names in any case. */
  readonly headers?: readonly (readonly [name: string, value: string])[] | undefined;
}

export interface LinkEvents {
  /**
   * One message came. `origin` is the id of our request on whose own stream it came; absent on transports
   * and streams that all requests share.
   */
  message(text: MessageText, origin?: number): void;
  /** This one request of ours can no longer be answered; the link lives. */
  failed(id: number, error: ProxyError): void;
  /** Something was skipped (a banner line, an oversized message without an id): to be counted and logged once. */
  odd(what: string): void;
  /** The transport is gone. Comes exactly once, also after `close()`, and nothing comes after it. */
  closed(error: ProxyError | undefined): void;
}

export interface Link {
  /** Never throws: what cannot be sent is told through `failed` or `closed`, always in a later turn. */
  send(message: Outgoing): void;
  /** HTTP: after the handshake, the revision that every further request names. */
  agreed?(protocolVersion: string): void;
  /** HTTP: gives up one request by ending its stream; `false` where the transport has no such thing and a notification must be sent. */
  abandon?(id: number): boolean;
  /** Reasons why no answer comes, as far as they are known, in whole sentences; else empty. */
  whySilent?(): string;
  /** Ends the transport: for a child process close stdin, wait, SIGTERM, SIGKILL, the whole group. Idempotent. */
  close(): Promise<void>;
}

/** Starts connecting at once; trouble is told through `events.closed`. */
export type OpenLink = (events: LinkEvents) => Link;

export interface LinkLimits {
  /** The largest message that is taken in, bytes. A larger one fails the request it answers, nothing else. */
  readonly messageBytes: number;
  /** Bytes that may wait to be written before further requests fail with `BUSY`. */
  readonly queueBytes: number;
}
