/** A request and its response, as they are handled whatever reads and writes their bytes. */
import type { EncodedMessage } from '../../json/message-text.ts';
import type { RequestHead } from '../http1/request-reader.ts';
import type { HeaderFields } from '../http1/response-text.ts';

/** Takes a body as it comes; hears nothing if the body never comes to its end. */
export interface BodySink {
  data(part: Buffer): void;
  end(): void;
}

export interface IncomingRequest {
  readonly head: RequestHead;
  readonly localAddress: string | undefined;
  /** Bytes of the body that are still to come; `undefined` where the body comes in chunks. */
  readonly missing: number | undefined;
  /** Without a sink the body is thrown away. */
  takeBody(sink: BodySink): void;
}

/** Writing to a response that has ended, or whose client is gone, does nothing. */
export interface ResponseWriter {
  /** Called once: the whole response has left, or its connection is gone. */
  onLeft: (() => void) | undefined;
  /** Bytes that the client has not taken yet. */
  readonly waitingBytes: number;
  /** As `waitingBytes`, but the number falls while a large write goes. */
  readonly untakenBytes: number;
  /** The client may be waiting with the body, and never send it. */
  readonly awaitsContinue: boolean;
  /** Asks a client that waits for it to send the body. */
  continue(): void;
  /** Ends the connection after this response. Only before the head is written does the client hear of it. */
  makeLast(): void;
  /** Writes the whole response. @throws Error for a header field that HTTP does not allow. */
  send(status: number, fields: HeaderFields, body?: EncodedMessage): void;
  /** Begins a stream; its head leaves with the first text, or with `flush`. */
  start(status: number, fields: HeaderFields): void;
  write(text: string): void;
  flush(): void;
  /** Ends a stream, with a last text. */
  end(text?: string): void;
  /** Ends the connection, whatever has not left. */
  destroy(): void;
}

/** All connections of one listening server. */
export interface ServerConnections {
  readonly size: number;
  /** Accepts no more. Resolves when the last connection is gone. */
  stop(): Promise<void>;
  /** Closes the connections that have no request under way. */
  closeIdle(): void;
  /** Ends all connections, whatever is under way. */
  cut(): void;
}

export interface ServerConnectionsOptions {
  readonly timeouts: ConnectionTimeouts;
  readonly request: (request: IncomingRequest, response: ResponseWriter) => void;
  /** Bytes that were no request, or that came too slowly, were answered. */
  readonly refused: (status: number, why: string) => void;
  /** No connection is to take another request. */
  readonly stopping: () => boolean;
  /** A connection was ended because its client does not take its answer. */
  readonly cut: (waitingBytes: number) => void;
}

export interface ConnectionTimeouts {
  /** The time for the head of a request. */
  readonly headersMs: number;
  /** The time for head and body together. */
  readonly bodyMs: number;
  /** The time that an idle connection is kept. */
  readonly keepAliveMs: number;
  /** The time to take the rest of a finished answer, on top of what the rest takes at the rate below. */
  readonly drainMs: number;
  readonly drainBytesPerSecond: number;
  /** The time in which bytes after the last answer are thrown away before the connection is closed. */
  readonly lingerMs: number;
}
