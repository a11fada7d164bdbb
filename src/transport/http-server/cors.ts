/** Rights of pages of an allowed origin: the answer to a preflight, and the headers that they may read. */
import type { RequestHead } from '../http1/request-reader.ts';
import type { HeaderFields } from '../http1/response-text.ts';
import type { ResponseWriter } from './incoming-request.ts';

export function corsHeaders(origin: string): HeaderFields {
  return {
    'access-control-allow-origin': origin,
    'access-control-expose-headers': 'Mcp-Session-Id, MCP-Protocol-Version, WWW-Authenticate',
    vary: 'origin',
  };
}

/** A list of field names, as browsers write it. */
const NAMES = /^[\w!#$%&'*+.^`|~ ,-]*$/;

/** A preflight carries no token, so it is answered before tokens are looked at. @returns whether it was one. */
export function answerPreflight(
  { method, headers }: RequestHead,
  response: ResponseWriter,
  cors: HeaderFields | undefined,
): boolean {
  if (method !== 'OPTIONS' || cors === undefined) return false;
  if (headers['access-control-request-method'] === undefined) return false;
  const asked = headers['access-control-request-headers'] ?? '';
  response.send(204, {
    ...cors,
    'access-control-allow-methods': 'POST, GET, DELETE',
    // Echoed, as `Mcp-Param-…` names cannot be listed and a wildcard does not cover `Authorization`.
    'access-control-allow-headers': NAMES.test(asked) ? asked : '',
    'access-control-max-age': '600',
    vary: 'origin, access-control-request-headers',
  });
  return true;
}
