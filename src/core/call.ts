/**
 * The two types that explain the design: whatever can answer a call is a `Handler`,
 * and a `Middleware` makes a Handler of a Handler.
 */
import type { Cancellation } from './cancellation.ts';
import type { Json, JsonObject } from '../json/json.ts';
import type { ClientExposure } from './list-mode.ts';

/** A request that passes through the proxy. */
export interface Call {
  /** `tools/call`, `resources/read` … */
  readonly method: string;
  /** What is called: a tool's or prompt's name, a resource's URI, a task's id; empty where the method names nothing. */
  readonly name: string;
  /** The params object as it came. */
  readonly params: Json;
  readonly client: Client;
  /** The `mcp-param-*` fields of a modern HTTP request, names in lower case; there if it had any. */
  readonly headers?: readonly (readonly [name: string, value: string])[] | undefined;
  /** The same for all attempts; absent where the client has put one of its own into the params. */
  readonly idempotencyKey?: string | undefined;
  /** Ends when the client cancels or is gone. */
  readonly signal: Cancellation;
  /** There if the client asked for progress; gets the notification's params as the downstream sent them. */
  readonly onProgress?: ((params: Json) => void) | undefined;
  /** Takes any other notification that belongs to this call (log messages). */
  readonly onNotification?: ((method: string, params: Json) => void) | undefined;
  /**
   * Asks the client that made this call: elicitation, sampling, roots. Not there if nobody can be asked.
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

/** Who calls: the process in stdio, token and session in legacy HTTP, the token in modern HTTP. */
export interface Client {
  /** Never shown to anybody else; sealed values and private connections are bound to it. */
  readonly id: string;
  /** Clients with one view have the same connections: the client itself, in modern HTTP with its capabilities. */
  readonly view: string;
  readonly era: Era;
  /** The negotiated revision, as `2025-11-25`. */
  readonly protocolVersion: string;
  readonly info: JsonObject | undefined;
  readonly capabilities: JsonObject;
  /** The least severe log level that the client wants; `undefined`: it has not said. */
  readonly logLevel: string | undefined;
  /** Over HTTP, the name of its token (`http.tokens`): who it is beyond a session. */
  readonly person?: string | undefined;
  /** Decided once for a session; `undefined`: tools and results are as the servers give them. */
  readonly exposure?: ClientExposure | undefined;
}

/** A client that stays: what it can be told and asked outside of any call of its own. */
export interface ClientHandle {
  readonly client: Client;
  readonly ask: AskClient;
  notify(method: string, params: Json): void;
}

/** @throws RpcError | ProxyError */
export type Handler = (call: Call) => Promise<Json>;

export type Middleware = (next: Handler) => Handler;
