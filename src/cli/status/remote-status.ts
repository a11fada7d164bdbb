/** The status of a proxy that serves HTTP, by its `proxy_status` tool. */
import { at, isObject, type JsonObject, stringAt } from '../../json/json.ts';
import {
  LATEST_MODERN,
  META_CLIENT_CAPABILITIES,
  META_CLIENT_INFO,
  META_PROTOCOL_VERSION,
} from '../../protocol/revisions.ts';
import { packageVersion } from '../support/package-version.ts';
import { UsageError } from '../command.ts';

const ANSWER_MS = 10_000;

/** @throws UsageError for what is no URL; Error where the proxy does not answer as one. */
export async function remoteStatus(url: string, token: string | undefined): Promise<JsonObject> {
  if (!/^https?:/.test(url) || !URL.canParse(url))
    throw new UsageError(`--url expects http://HOST:PORT/mcp, got "${url}".`);
  const { request } = await import('undici');
  const meta = {
    [META_PROTOCOL_VERSION]: LATEST_MODERN,
    [META_CLIENT_CAPABILITIES]: {},
    [META_CLIENT_INFO]: { name: 'switchyard', version: packageVersion() },
  };
  const { statusCode, body } = await request(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      'mcp-protocol-version': LATEST_MODERN,
      'mcp-method': 'tools/call',
      'mcp-name': 'proxy_status',
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    },
    body: JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'tools/call',
      params: { name: 'proxy_status', arguments: {}, _meta: meta },
    }),
    headersTimeout: ANSWER_MS,
    bodyTimeout: ANSWER_MS,
  });
  const text = await body.text();
  if (statusCode === 401)
    throw new Error(`${url} wants a token: set SWITCHYARD_TOKEN to one of its http.tokens.`);
  const answer: unknown = statusCode === 200 ? JSON.parse(text) : undefined;
  const status = at(answer, 'result', 'structuredContent');
  if (!isObject(status))
    throw new Error(
      `${url} did not answer as a Switchyard proxy (status ${statusCode}${reason(answer)}). Is expose.metaTools off?`,
    );
  return { url, ...status };
}

function reason(answer: unknown): string {
  const message = stringAt(at(answer, 'error'), 'message');
  return message === undefined ? '' : `: ${message}`;
}
