/** The envelope of a modern request, in its `_meta`: who asks, and what that client can do. */
import type { Client } from '../../core/call.ts';
import type { ClientExposure } from '../../core/list-mode.ts';
import {
  HEADER_MISMATCH,
  INVALID_PARAMS,
  RpcError,
  UNSUPPORTED_PROTOCOL_VERSION,
} from '../../core/errors.ts';
import { at, isObject, type Json, stringAt } from '../../json/json.ts';
import { TOLD_TOO_MUCH, tellsTooMuch } from '../../protocol/client-capabilities.ts';
import {
  eraOf,
  META_CLIENT_CAPABILITIES,
  META_CLIENT_INFO,
  META_LOG_LEVEL,
  META_PROTOCOL_VERSION,
  MODERN_REVISIONS,
} from '../../protocol/revisions.ts';

export interface RequestEnvelope {
  readonly params: Json;
  readonly clientId: string;
  readonly person?: string | undefined;
  /** Compares the version in the transport's headers with the body's. @throws EnvelopeError */
  readonly checkVersion?: (() => void) | undefined;
}

/** An error that the modern transport answers with HTTP status 400. */
export class EnvelopeError extends Error {
  readonly rpc: RpcError;

  constructor(rpc: RpcError) {
    super(rpc.message);
    this.rpc = rpc;
  }
}

/** Header fields that do not agree with the body. */
export function headerMismatch(message: string): EnvelopeError {
  return new EnvelopeError(RpcError.of(HEADER_MISMATCH, message));
}

/** Params carry the modern envelope, or claim to. */
export function claimsModern(params: Json): boolean {
  return params.at('_meta', META_PROTOCOL_VERSION) !== undefined;
}

/** @throws EnvelopeError where the envelope is not complete, or names a revision of the other era. */
export function clientOfRequest(
  { params, clientId, person, checkVersion }: RequestEnvelope,
  exposure: ClientExposure | undefined,
): Client {
  const meta = params.at('_meta');
  const protocolVersion = stringAt(meta, META_PROTOCOL_VERSION);
  const capabilities = at(meta, META_CLIENT_CAPABILITIES);
  if (protocolVersion === undefined) throw missing(META_PROTOCOL_VERSION, 'a string');
  checkVersion?.();
  if (eraOf(protocolVersion) !== 'modern')
    throw new EnvelopeError(
      RpcError.of(UNSUPPORTED_PROTOCOL_VERSION, `Unsupported protocol version: ${protocolVersion}`, {
        supported: MODERN_REVISIONS,
        requested: protocolVersion,
      }),
    );
  if (!isObject(capabilities)) throw missing(META_CLIENT_CAPABILITIES, 'an object');
  const info = at(meta, META_CLIENT_INFO);
  if (tellsTooMuch(params, capabilities, info))
    throw new EnvelopeError(RpcError.of(INVALID_PARAMS, TOLD_TOO_MUCH));
  return {
    id: clientId,
    view: `${clientId} ${JSON.stringify(capabilities)}`,
    era: 'modern',
    protocolVersion,
    info: isObject(info) ? info : undefined,
    capabilities,
    logLevel: stringAt(meta, META_LOG_LEVEL),
    person,
    exposure,
  };
}

function missing(key: string, what: string): EnvelopeError {
  return new EnvelopeError(
    RpcError.of(INVALID_PARAMS, `params._meta["${key}"] is missing: expected ${what}`),
  );
}
