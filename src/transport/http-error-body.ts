/** What a body says that refuses: a JSON-RPC error without an id. */

/** @param code -32000 unless told otherwise, as both SDKs have it for trouble of the transport. */
export function errorBody(message: string, code = -32000): string {
  return JSON.stringify({ jsonrpc: '2.0', id: null, error: { code, message } });
}
