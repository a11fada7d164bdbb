/** What pages of an allowed origin may do: the answer to a preflight, and the headers that they may read. */
import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';

export function corsHeaders(origin: string): OutgoingHttpHeaders {
  return {
    'access-control-allow-origin': origin,
    'access-control-expose-headers': 'Mcp-Session-Id, MCP-Protocol-Version, WWW-Authenticate',
    vary: 'origin',
  };
}

/** A preflight carries no token, so it is answered before tokens are looked at. @returns whether it was one. */
export function answerPreflight(
  req: IncomingMessage,
  res: ServerResponse,
  cors: OutgoingHttpHeaders | undefined,
): boolean {
  if (req.method !== 'OPTIONS' || cors === undefined) return false;
  if (req.headers['access-control-request-method'] === undefined) return false;
  res.writeHead(204, {
    ...cors,
    'access-control-allow-methods': 'POST, GET, DELETE',
    // Echoed, as `Mcp-Param-…` names cannot be listed and a wildcard does not cover `Authorization`.
    'access-control-allow-headers': req.headers['access-control-request-headers'] ?? '',
    'access-control-max-age': '600',
    vary: 'origin, access-control-request-headers',
  });
  res.end();
  return true;
}
