/**
 * The two types that explain the design: whatever can answer a call is a `Handler`,
 * and a `Middleware` makes a Handler of a Handler.
 */
import type { Answer } from './answer.ts';
import type { Cancellation } from './cancellation.ts';
import type { Json, JsonObject } from '../json/json.ts';
import type { ClientExposure } from './list-mode.ts';

/** A request that passes through the proxy. */
export interface Call {
  /** The JSON-RPC method, as `tools/call` or `resources/read`. */
  readonly method: string;
  /** The name of the tool or prompt, the URI of the resource or the id of the task; empty if the method names nothing. */
  readonly name: string;
  /** The params object, as received or as a middleware has changed it. */
  readonly params: Json;
  readonly client: Client;
  /** The `mcp-param-*` fields of a modern HTTP request, names in lower case; absent if the request had none. */
  readonly headers?: readonly (readonly [name: string, value: string])[] | undefined;
  /** The proxy's key, equal for all attempts; absent if the client has put a key of its own into the params. */
  readonly idempotencyKey?: string | undefined;
  /** The signal is cancelled when the client cancels or is gone. */
  readonly signal: Cancellation;
  /** Takes progress params as the downstream sent them; absent if the client did not ask for progress. */
  readonly onProgress?: ((params: Json) => void) | undefined;
  /** Takes all other notifications that belong to this call, such as log messages. */
  readonly onNotification?: ((method: string, params: Json) => void) | undefined;
  /**
   * Asks the client that made this call: elicitation, sampling, roots. Absent if nobody can be asked.
   *
   * @throws ProxyError `CLIENT_CANNOT` where the client lacks the capability.
   */
  readonly ask?: AskClient | undefined;
}

/** @returns the client's result. @throws RpcError what the client answered instead. */
export type AskClient = (question: Question) => Promise<Json>;

/** A request from a downstream server to a client. */
export interface Question {
  readonly method: string;
  readonly params: Json;
  /** The config key of the server that asks. */
  readonly server: string;
  readonly signal: Cancellation;
  readonly onProgress?: ((params: Json) => void) | undefined;
}

export type Era = 'legacy' | 'modern';

/** The identity behind a call: the process in stdio, token and session in legacy HTTP, the token in modern HTTP. */
export interface Client {
  /** The id is never shown to others; sealed values and private connections are bound to it. */
  readonly id: string;
  /** Clients with one view share connections: the client itself, in modern HTTP together with its capabilities. */
  readonly view: string;
  readonly era: Era;
  /** The negotiated revision, as `2025-11-25`. */
  readonly protocolVersion: string;
  readonly info: JsonObject | undefined;
  readonly capabilities: JsonObject;
  /** The least severe log level that the client wants; `undefined` until the client has chosen one. */
  readonly logLevel: string | undefined;
  /** The name of the client's HTTP token (`http.tokens`), which identifies the client beyond a session. */
  readonly person?: string | undefined;
  /** Decided once for a session; `undefined`: tools and results are as the servers give them. */
  readonly exposure?: ClientExposure | undefined;
}

/** A client that stays connected, so that the proxy can notify and ask it outside of its own calls. */
export interface ClientHandle {
  readonly client: Client;
  readonly ask: AskClient;
  notify(method: string, params: Json): void;
}

/** The answer fails with an `RpcError` or a `ProxyError`; an exception of the function means the same. */
export type Handler = (call: Call) => Answer;

export type Middleware = (next: Handler) => Handler;

/** The place of a client's idempotency key in `_meta`. The name is ours: the protocol has none. */
export const META_IDEMPOTENCY_KEY = 'switchyard/idempotencyKey';

/** The idempotency key that a client has given by itself. */
export function idempotencyKeyOf(params: Json): string | undefined {
  const key = params.at('_meta', META_IDEMPOTENCY_KEY);
  return typeof key === 'string' ? key : undefined;
}
