/**
 * Lets messages out to a transport while not too much waits, and refuses the rest.
 *
 * A transport that nobody reads must cost bounded memory: requests beyond the limit fail with `BUSY`,
 * messages that nobody waits for are left out at twice the limit.
 */
import { ProxyError } from '../../core/errors.ts';
import { lengthOf, type EncodedMessage } from '../../json/message-text.ts';
import type { LinkEvents, Outgoing } from '../link.ts';

/** The receiver of the bytes. */
export interface Sink {
  readonly waitingBytes: number;
  write(message: EncodedMessage): void;
}

export interface SendQueueOptions {
  readonly server: string;
  readonly queueBytes: number;
  readonly events: LinkEvents;
}

export class SendQueue {
  readonly #sink: Sink;
  readonly #options: SendQueueOptions;
  #stopped: ProxyError | undefined;

  constructor(sink: Sink, options: SendQueueOptions) {
    this.#sink = sink;
    this.#options = options;
  }

  send({ text, id }: Outgoing): void {
    if (this.#stopped) return this.#fail(id, this.#stopped);
    const waiting = this.#sink.waitingBytes;
    const { queueBytes, server, events } = this.#options;
    // A message that is larger than the whole queue may still go when nothing is ahead of it.
    if (waiting === 0 || waiting + lengthOf(text) <= queueBytes) return this.#sink.write(text);
    if (id !== undefined) return this.#fail(id, busy(server));
    if (waiting + lengthOf(text) <= 2 * queueBytes) return this.#sink.write(text);
    setImmediate(() => events.odd('a notification was left out, since the server does not read'));
  }

  /** From here on nothing goes out; a request fails with this error, which says that it was not delivered. */
  stop(error: ProxyError): void {
    this.#stopped ??= error;
  }

  #fail(id: number | undefined, error: ProxyError): void {
    if (id !== undefined) setImmediate(() => this.#options.events.failed(id, error));
  }
}

function busy(server: string): ProxyError {
  return new ProxyError('BUSY', {
    message: `"${server}" does not keep up: too many requests wait to be read by it. Try again later.`,
    server,
    delivered: false,
  });
}
