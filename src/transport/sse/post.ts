/** One message on its way to a server of 2024-11-05. The answer comes elsewhere: here there is only "taken" or "not". */
import { type MessageText, wholeText } from '../../json/elided.ts';
import type { ProxyError } from '../../core/errors.ts';
import { type Authorization, MAX_REFUSALS, wantsOtherCredentials } from '../authorization.ts';
import { meansSessionLost } from '../http-client/response-body.ts';
import {
  redirectError,
  sessionLost,
  statusError,
  transportError,
  withoutCredentials,
} from '../http-client/errors.ts';
import {
  ResponseExchange,
  type Reading,
  type Receiver,
  type ExchangeFailure,
} from '../http-client/exchange.ts';
import { headerOf } from '../http-client/headers.ts';
import type { ResponseHeaders } from '../http1/fields.ts';
import type { Headers, RequestEncoder } from '../http-client/request-headers.ts';
import type { Outgoing } from '../link.ts';

export interface SsePostOwner {
  readonly wire: RequestEncoder;
  readonly server: string;
  readonly authorization: Authorization | undefined;
  /** It is being written. */
  left(post: SsePost): void;
  finished(post: SsePost, error: ProxyError | undefined): void;
}

export class SsePost implements Receiver {
  readonly outgoing: Outgoing;
  /** It may have been written. */
  sent = false;
  readonly #owner: SsePostOwner;
  #exchange: ResponseExchange;
  #path = '';
  #over = false;
  /** What it was sent with, and how often it was refused for that. */
  #credentials: Headers | undefined;
  #refusals = 0;
  #status = 0;
  #headers: ResponseHeaders = {};

  constructor(owner: SsePostOwner, outgoing: Outgoing) {
    this.#owner = owner;
    this.outgoing = outgoing;
    this.#exchange = new ResponseExchange(this, 0);
  }

  send(path: string): void {
    this.#path = path;
    const wait = this.#owner.authorization?.pending();
    if (wait)
      wait.then(
        () => this.#write(),
        (error: unknown) => this.#owner.finished(this, withoutCredentials(error, this.#owner.server)),
      );
    else this.#write();
  }

  #write(): void {
    if (this.#over) return;
    this.#credentials = this.#owner.authorization?.headers();
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
    const { authorization, server } = this.#owner;
    const challenge = headerOf(this.#headers, 'www-authenticate')?.slice(0, 4096);
    if (!authorization || !this.#credentials || this.#refusals === MAX_REFUSALS) return false;
    if (!wantsOtherCredentials(this.#status, challenge)) return false;
    const again = this.#refusals++ > 0;
    this.#exchange = new ResponseExchange(this, 0);
    authorization.refused({ status: this.#status, challenge, sent: this.#credentials, again }).then(
      () => this.send(this.#path),
      (error: unknown) => this.#owner.finished(this, withoutCredentials(error, server)),
    );
    return true;
  }

  #refusal(text: string): ProxyError | undefined {
    const { server } = this.#owner;
    if (this.#status < 300) return undefined;
    if (this.#status < 400) return redirectError(server, this.#headers);
    const { id, method, again = false } = this.outgoing;
    if (method !== 'initialize' && meansSessionLost(this.#status, text, { id, again }))
      return sessionLost(server);
    return statusError(server, this.#status, this.#headers, this.#owner.wire.purged(text));
  }
}
