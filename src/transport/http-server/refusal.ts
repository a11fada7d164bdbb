/** Saying no over HTTP: a status, and a JSON-RPC error without an id. */
import { errorBody } from './error-body.ts';
import type { HeaderFields } from '../http1/response-text.ts';
import type { IncomingRequest, ResponseWriter } from './incoming-request.ts';

export interface Refusal {
  readonly status: number;
  /** The trouble, and what to do about it. */
  readonly message: string;
  /** JSON-RPC code; -32000 unless told otherwise, as both SDKs have it for trouble of the transport. */
  readonly code?: number;
  readonly headers?: HeaderFields;
  /** The connection ends after it. */
  readonly last?: boolean;
}

/** Bodies up to here are thrown away without closing the connection. */
const SMALL_BODY = 65_536;

/** Answers a request whose body nobody has read, or read only in part. */
export function refuse(
  request: IncomingRequest,
  response: ResponseWriter,
  refusal: Refusal,
  base: HeaderFields | undefined,
): void {
  const { missing } = request;
  const untold = missing !== 0 && response.awaitsContinue;
  if (refusal.last === true || missing === undefined || missing > SMALL_BODY || untold) response.makeLast();
  response.send(
    refusal.status,
    { 'content-type': 'application/json', ...base, ...refusal.headers },
    errorBody(refusal.message, refusal.code),
  );
}

const REASONS: ReadonlyMap<number, string> = new Map([
  [400, 'This is no valid HTTP request.'],
  [413, 'The chunk extensions are too large.'],
  [431, 'The headers are too large.'],
  [408, 'The request did not arrive in time.'],
]);

/** The answer to bytes that never became a request. */
export function refusalText(status: number, otherwise: string): string {
  return REASONS.get(status) ?? otherwise;
}
