/**
 * Failures over HTTP, as errors of ours. Messages name the server, the status or the kind of trouble,
 * and at most an origin: never a path, a query or a header's value.
 */
import { messageOf, ProxyError } from '../../core/errors.ts';
import { headerOf } from './headers.ts';
import type { ResponseHeaders } from '../http1/fields.ts';

/** The cause of a ProxyError that an HTTP status led to; for the handshake, which tells the eras apart by it. */
export class HttpStatusError extends Error {
  override readonly name = 'HttpStatusError';
  readonly status: number;
  /** The start of the body, as the server sent it. Not for clients. */
  readonly bodyText: string;
  /** The `WWW-Authenticate` field, where there was one. */
  readonly wwwAuthenticate: string | undefined;

  constructor(status: number, bodyText: string, wwwAuthenticate?: string) {
    super(`HTTP ${status}`);
    this.status = status;
    this.bodyText = bodyText;
    this.wwwAuthenticate = wwwAuthenticate;
  }
}

/** The cause of a ProxyError for a request that the server did not take because it no longer knows the session. */
export class SessionLost extends Error {
  override readonly name = 'SessionLost';
}

/** The cause of a ProxyError for an answer that a POST gets from servers of the older SSE transport. */
export class EndpointNamed extends Error {
  override readonly name = 'EndpointNamed';
}

/** A request that got no whole response. `sent`: it may have been written. */
export function transportError(server: string, error: unknown, sent: boolean): ProxyError {
  const code = codeOf(error);
  // undici's name for it, and ours.
  if (code === 'UND_ERR_INVALID_ARG' || code === 'ERR_INVALID_CHAR')
    return new ProxyError('DOWNSTREAM_FAILED', {
      message: `The request to "${server}" could not be made: its address or a header field has characters that HTTP does not allow.`,
      server,
      delivered: false,
      cause: error,
    });
  if (code === 'NOT_HTTP')
    return badResponse(server, `answered with something that is no HTTP: ${messageOf(error)}`);
  const says = sent
    ? `broke the connection before the answer was complete${inBrackets(code)}`
    : unreached(code);
  return new ProxyError(sent ? 'DOWNSTREAM_FAILED' : 'DOWNSTREAM_UNAVAILABLE', {
    message: `"${server}" ${says}${says.endsWith('?') ? '' : '.'}`,
    server,
    delivered: sent ? 'unknown' : false,
    cause: error,
  });
}

const TLS_TROUBLE: Readonly<Record<string, string>> = {
  DEPTH_ZERO_SELF_SIGNED_CERT: 'it is self-signed',
  SELF_SIGNED_CERT_IN_CHAIN: 'its chain ends in a self-signed certificate',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its issuer is not known',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'its issuer is not known',
  UNABLE_TO_GET_ISSUER_CERT: 'its issuer is not known',
  CERT_HAS_EXPIRED: 'it has expired',
  CERT_NOT_YET_VALID: 'it is not valid yet',
  CERT_REVOKED: 'it has been revoked',
  ERR_TLS_CERT_ALTNAME_INVALID: 'it is for another host',
};

function unreached(code: string): string {
  const tls = TLS_TROUBLE[code];
  if (tls !== undefined)
    return `could not be reached: its TLS certificate was refused, because ${tls} (${code}). To trust an authority of your own, set NODE_EXTRA_CA_CERTS`;
  if (code === 'EPROTO' || code.startsWith('ERR_SSL') || code.startsWith('ERR_TLS'))
    return `could not be reached: no TLS connection came about${inBrackets(code)}. Is it "https" that is spoken there?`;
  switch (code) {
    case 'ECONNREFUSED':
      return 'could not be reached: the connection was refused (ECONNREFUSED). Is the server running there?';
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
    case 'EAI_NODATA':
      return `could not be reached: its host name was not found (${code})`;
    case 'UND_ERR_CONNECT_TIMEOUT':
    case 'ETIMEDOUT':
      return `could not be reached: no connection came about in time (${code})`;
    case 'ECONNRESET':
      return 'could not be reached: the connection was broken while it was being made (ECONNRESET)';
  }
  return `could not be reached${inBrackets(code)}`;
}

function inBrackets(code: string): string {
  return code === '' ? '' : ` (${code})`;
}

/** The system's or undici's name for what happened; of several attempts (IPv4, IPv6) the first one's. */
function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return '';
  const code = (error as { code?: unknown }).code;
  if (typeof code === 'string' && code !== 'UND_ERR_SOCKET') return code;
  const own = typeof code === 'string' ? code : '';
  return error.cause instanceof Error ? codeOf(error.cause) || own : own;
}

/** A redirect that is not followed. Only its origin is named. */
export function redirectError(server: string, headers: ResponseHeaders): ProxyError {
  const location = headerOf(headers, 'location') ?? '';
  const origin = URL.canParse(location) ? new URL(location).origin : 'null';
  const says =
    origin === 'null'
      ? 'answered with a redirect that cannot be followed'
      : `redirects to ${origin}, which is not followed: credentials would go there. If that is the right place, put it into the config`;
  return new ProxyError('DOWNSTREAM_FAILED', { message: `"${server}" ${says}.`, server, delivered: false });
}

export function tooLargeError(server: string, limitBytes: number): ProxyError {
  return new ProxyError('RESULT_TOO_LARGE', {
    message: `"${server}" answered with more than the ${limitBytes} bytes that are taken in.`,
    server,
    delivered: true,
  });
}

/** The response broke HTTP or MCP in a way that leaves open what became of the request. */
export function badResponse(server: string, says: string): ProxyError {
  return new ProxyError('DOWNSTREAM_FAILED', {
    message: `"${server}" ${says}.`,
    server,
    delivered: 'unknown',
  });
}

/** The server speaks another transport. */
export function endpointNamed(server: string): ProxyError {
  return new ProxyError('DOWNSTREAM_FAILED', {
    message: `"${server}" answered as servers of the older SSE transport do: its "type" is "sse".`,
    server,
    delivered: false,
    cause: new EndpointNamed(),
  });
}

/** The request was not taken: it can be made again in a new session. */
export function sessionLost(server: string): ProxyError {
  return new ProxyError('DOWNSTREAM_UNAVAILABLE', {
    message: `"${server}" no longer knows the session; a new one has to be opened.`,
    server,
    delivered: false,
    cause: new SessionLost(),
  });
}

/** Credentials fail with errors of ours, unless something in them is broken. */
export function withoutCredentials(error: unknown, server: string): ProxyError {
  if (error instanceof ProxyError) return error;
  const message = `"${server}" could not be asked: its login could not be looked up (${messageOf(error)}).`;
  return new ProxyError('DOWNSTREAM_UNAVAILABLE', { message, server, delivered: false, cause: error });
}
