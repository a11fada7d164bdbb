/** The body of a refusal: a JSON-RPC error without an id. */

import { INTERNAL_ERROR } from '../../core/errors.ts';

/** @param code -32000 unless told otherwise, as both SDKs have it for trouble of the transport. */
export function errorBody(message: string, code = -32000): string {
  const data = code === INTERNAL_ERROR ? { code: 'INTERNAL', delivered: 'unknown' } : undefined;
  return JSON.stringify({ jsonrpc: '2.0', id: null, error: { code, message, data } });
}
