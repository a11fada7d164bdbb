/**
 * The two ways in which a call can fail: a downstream's own JSON-RPC error, which passes unchanged (`RpcError`),
 * and a failure of the proxy's (`ProxyError`), which always knows whether the server may have acted on the request.
 */
import { Json } from '../json/json.ts';

export type ErrorCode =
  | 'DOWNSTREAM_UNAVAILABLE'
  | 'DOWNSTREAM_FAILED'
  | 'TIMEOUT'
  | 'CIRCUIT_OPEN'
  | 'BUSY'
  | 'RATE_LIMITED'
  | 'LOGIN_REQUIRED'
  | 'CANCELLED'
  | 'RESULT_TOO_LARGE'
  | 'PROTOCOL_ERROR'
  | 'INTERNAL'
  | 'OUTCOME_UNKNOWN'
  | 'CLIENT_CANNOT'
  | 'WORKFLOW_INVALID'
  | 'STEP_FAILED'
  | 'NEEDS_ATTENTION';

/** `false` means that the request surely did not reach the downstream, so that it may be sent elsewhere. */
export type Delivered = true | false | 'unknown';

export interface ProxyErrorDetails {
  /** A sentence for people: what happened, to which server, what to do. No secret, stack or path. */
  readonly message: string;
  readonly server?: string;
  readonly delivered: Delivered;
  readonly retryAfterMs?: number | undefined;
  /** The server has answered this one call, as with `isError`: nothing is wrong with the server, and nothing to retry. */
  readonly answered?: boolean;
  /** The client capabilities that the server misses. */
  readonly needs?: Readonly<Record<string, unknown>> | undefined;
  readonly cause?: unknown;
}

/** A failure of the proxy's own, or of its connection to a downstream server. */
export class ProxyError extends Error {
  override readonly name = 'ProxyError';
  readonly code: ErrorCode;
  readonly server: string | undefined;
  readonly delivered: Delivered;
  readonly retryAfterMs: number | undefined;
  readonly answered: boolean;
  readonly needs: Readonly<Record<string, unknown>> | undefined;

  constructor(code: ErrorCode, details: ProxyErrorDetails) {
    super(details.message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.server = details.server;
    this.delivered = details.delivered;
    this.retryAfterMs = details.retryAfterMs;
    this.answered = details.answered ?? false;
    this.needs = details.needs;
  }

  /** The error data that clients see beside the message. */
  get data(): Readonly<Record<string, unknown>> {
    return {
      code: this.code,
      ...(this.server !== undefined && { server: this.server }),
      delivered: this.delivered,
      ...(this.retryAfterMs !== undefined && { retryAfterMs: this.retryAfterMs }),
    };
  }
}

/** A JSON-RPC error: a downstream's own, or our answer to a request that is wrong in itself. */
export class RpcError extends Error {
  override readonly name = 'RpcError';
  readonly code: number;
  /** The whole error object, as it goes to the client. */
  readonly json: Json;

  private constructor(code: number, message: string, json: Json) {
    super(message);
    this.code = code;
    this.json = json;
  }

  static of(code: number, message: string, data?: unknown): RpcError {
    return new RpcError(code, message, Json.of({ code, message, ...(data !== undefined && { data }) }));
  }

  /** An error object from the wire, kept to the letter. */
  static fromWire(json: Json): RpcError {
    const { code, message } = json.object ?? {};
    const number = typeof code === 'number' ? code : INTERNAL_ERROR;
    return new RpcError(number, typeof message === 'string' ? message : '', json);
  }
}

export const PARSE_ERROR = -32700;
export const INVALID_REQUEST = -32600;
export const METHOD_NOT_FOUND = -32601;
export const INVALID_PARAMS = -32602;
export const INTERNAL_ERROR = -32603;
/** Legacy revisions' "resource not found"; the modern family uses `INVALID_PARAMS`. */
export const RESOURCE_NOT_FOUND = -32002;
export const HEADER_MISMATCH = -32020;
export const MISSING_CLIENT_CAPABILITY = -32021;
export const UNSUPPORTED_PROTOCOL_VERSION = -32022;

/** The message of anything thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
