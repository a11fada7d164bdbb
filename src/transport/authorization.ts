/** The credentials of one server, as the transports of its requests ask for them. */
import type { Headers } from './http-client/request-headers.ts';

export interface Authorization {
  /** Sent with every request; the same object until something in it changes. */
  headers(): Headers;
  /** Resolves when the next request may be sent; `undefined`: at once. Rejects with a ProxyError where none is worth sending. */
  pending(): Promise<void> | undefined;
  /** A request was refused for want of other credentials. Resolves once it is worth sending it again. @throws ProxyError */
  refused(refusal: CredentialsRefusal): Promise<void>;
}

export interface CredentialsRefusal {
  readonly status: number;
  /** The `WWW-Authenticate` field. */
  readonly challenge: string | undefined;
  /** The result of `headers()` for the request. */
  readonly sent: Headers;
  /** It had been sent again already, after another refusal. */
  readonly again: boolean;
}

/** Refusals of one request: a login, a wider one, and a renewal in between. */
export const MAX_REFUSALS = 3;

/** Tells whether other credentials could help: 401 says so, 403 only where it names a lack of scope. */
export function wantsOtherCredentials(status: number, challenge: string | undefined): boolean {
  return status === 401 || (status === 403 && /\berror\s*=\s*"?insufficient_scope\b/i.test(challenge ?? ''));
}
