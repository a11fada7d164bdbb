/** The credentials of one request: waited for, sent, and renewed where the server refuses them. */
import type { ProxyError } from '../../core/errors.ts';
import { type Authorization, MAX_REFUSALS, wantsOtherCredentials } from '../authorization.ts';
import type { ResponseHeaders } from '../http1/fields.ts';
import { withoutCredentials } from './errors.ts';
import { headerOf } from './headers.ts';
import type { Headers } from './request-headers.ts';

export interface RequestCredentialsOwner {
  readonly authorization: Authorization | undefined;
  readonly server: string;
}

/** The two ways on: the request can be sent, or there are no credentials for it. */
export interface CredentialsOutcome {
  readonly send: () => void;
  readonly fail: (error: ProxyError) => void;
}

/** More of a `WWW-Authenticate` field is not looked at. */
const MAX_CHALLENGE = 4096;

export class RequestCredentials {
  readonly #owner: RequestCredentialsOwner;
  #sent: Headers | undefined;
  #refusals = 0;

  constructor(owner: RequestCredentialsOwner) {
    this.#owner = owner;
  }

  /** Sends at once where nothing has to happen first. */
  whenReady({ send, fail }: CredentialsOutcome): void {
    const wait = this.#owner.authorization?.pending();
    if (!wait) return send();
    wait.then(send, (error: unknown) => fail(withoutCredentials(error, this.#owner.server)));
  }

  /** To be called when the request is written, with what is sent from now on. */
  written(): void {
    this.#sent = this.#owner.authorization?.headers();
  }

  /** @returns whether the refusal could be helped by other credentials, which are then asked for. */
  renewed(status: number, headers: ResponseHeaders, { send, fail }: CredentialsOutcome): boolean {
    const { authorization, server } = this.#owner;
    const challenge = headerOf(headers, 'www-authenticate')?.slice(0, MAX_CHALLENGE);
    if (!authorization || !this.#sent || !wantsOtherCredentials(status, challenge)) return false;
    if (this.#refusals === MAX_REFUSALS) return false;
    const again = this.#refusals++ > 0;
    authorization
      .refused({ status, challenge, sent: this.#sent, again })
      .then(send, (error: unknown) => fail(withoutCredentials(error, server)));
    return true;
  }
}
