/** One POST to a server of 2024-11-05, which takes the message or refuses it. The answer comes on the session's stream. */
import { type MessageText, wholeText } from '../../json/elided.ts';
import type { ProxyError } from '../../core/errors.ts';
import type { Authorization } from '../authorization.ts';
import type { LostSession } from '../http-client/lost-session.ts';
import { redirectError, sessionLost, transportError } from '../http-client/errors.ts';
import {
  ResponseExchange,
  type Reading,
  type Receiver,
  type ExchangeFailure,
} from '../http-client/exchange.ts';
import type { ResponseHeaders } from '../http1/fields.ts';
import { RequestCredentials } from '../http-client/request-credentials.ts';
import type { RequestEncoder } from '../http-client/request-headers.ts';
import { statusError } from '../http-client/status-error.ts';
import type { Outgoing } from '../link.ts';

export interface SsePostOwner {
  readonly wire: RequestEncoder;
  readonly server: string;
  readonly authorization: Authorization | undefined;
  readonly lostSession: LostSession;
  /** The message is being written. */
  left(post: SsePost): void;
  finished(post: SsePost, error: ProxyError | undefined): void;
}

export class SsePost implements Receiver {
  readonly outgoing: Outgoing;
  /** The message may have been written. */
  sent = false;
  readonly #owner: SsePostOwner;
  #exchange: ResponseExchange;
  #path = '';
  #over = false;
  readonly #credentials: RequestCredentials;
  #status = 0;
  #headers: ResponseHeaders = {};

  constructor(owner: SsePostOwner, outgoing: Outgoing) {
    this.#owner = owner;
    this.outgoing = outgoing;
    this.#credentials = new RequestCredentials(owner);
    this.#exchange = new ResponseExchange(this, 0);
  }

  send(path: string): void {
    this.#path = path;
    this.#credentials.whenReady({
      send: () => this.#write(),
      fail: (error) => this.#owner.finished(this, error),
    });
  }

  #write(): void {
    if (this.#over) return;
    this.#credentials.written();
    const path = this.#path;
    const { text, id, headers = [] } = this.outgoing;
    this.#owner.wire.post(this.#exchange, { body: text, path, headers, aside: id === undefined });
  }

  cancel(): void {
    this.#over = true;
    this.#exchange.cancel();
  }

  sending(): void {
    if (this.sent) return;
    this.sent = true;
    this.#owner.left(this);
  }

  head(status: number, headers: ResponseHeaders): Reading {
    this.#status = status;
    this.#headers = headers;
    return status > 299 ? 'start' : 'nothing';
  }

  event(): void {}

  retry(): void {}

  complete(text: MessageText): void {
    if (!this.#sentAgain()) this.#owner.finished(this, this.#refusal(wholeText(text)));
  }

  broke(_: ExchangeFailure, error: Error, sent: boolean): void {
    const { server } = this.#owner;
    // It was taken if the status says so, whatever became of a body that nobody wants.
    if (this.#status >= 200 && this.#status < 300) this.#owner.finished(this, undefined);
    else this.#owner.finished(this, transportError(server, error, sent));
  }

  /** Refused for want of other credentials: goes out once more where they can be had. */
  #sentAgain(): boolean {
    return this.#credentials.renewed(this.#status, this.#headers, {
      send: () => {
        this.#exchange = new ResponseExchange(this, 0);
        this.send(this.#path);
      },
      fail: (error) => this.#owner.finished(this, error),
    });
  }

  #refusal(text: string): ProxyError | undefined {
    const { server } = this.#owner;
    if (this.#status < 300) return undefined;
    if (this.#status < 400) return redirectError(server, this.#headers);
    const { outgoing } = this;
    if (outgoing.method !== 'initialize' && this.#owner.lostSession.isMeant(this.#status, text, outgoing))
      return sessionLost(server);
    return statusError(server, this.#status, this.#headers, this.#owner.wire.purged(text));
  }
}
