import type { Cause } from '../core/cancellation.ts';
import type { EncodedMessage } from '../json/message-text.ts';

export type GoneCause = Extract<Cause, 'client-gone' | 'proxy-stops'>;

export const GONE: Readonly<Record<GoneCause, string>> = {
  'client-gone': 'the client is gone',
  'proxy-stops': 'the proxy stops',
};

/** The way back for one request of a client: the HTTP response, or the one pipe of stdio. */
export interface ResponseSink {
  /** A message that is not the answer. */
  send(text: string): void;
  /** The answer. The status is for HTTP; default: 200. */
  end(message: EncodedMessage, status?: number): void;
  /** The client has cancelled the request: the message is only sent where silence is not possible. */
  drop(message: EncodedMessage): void;
  /** Calls the listener where the client leaves before the answer, or the proxy stops. */
  onGone(listener: (cause: GoneCause) => void): void;
}
