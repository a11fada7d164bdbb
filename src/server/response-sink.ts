import type { Cause } from '../core/cancellation.ts';
import type { EncodedMessage } from '../json/message-text.ts';

export type GoneCause = Extract<Cause, 'client-gone' | 'proxy-stops'>;

export const GONE: Readonly<Record<GoneCause, string>> = {
  'client-gone': 'the client is gone',
  'proxy-stops': 'the proxy stops',
};

/** Where what belongs to one request of a client goes: its own answer in HTTP, the one pipe in stdio. */
export interface ResponseSink {
  /** A message that is not the answer. */
  send(text: string): void;
  /** The answer. The status is for HTTP (200 unless told otherwise). */
  end(message: EncodedMessage, status?: number): void;
  /** The client cancelled the request: it must not get an answer where silence is possible. */
  drop(message: EncodedMessage): void;
  /** The client went away before the answer, or the proxy is about to. */
  onGone(listener: (cause: GoneCause) => void): void;
}
