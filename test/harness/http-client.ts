/** A client over HTTP, of either family. Its calls go into the proxy's ledger. */
import { request as httpRequest, type IncomingMessage } from 'node:http';
import type { RpcMessage } from './ledger.ts';
import type { Entry, ProxyUnderTest } from './proxy.ts';

export interface HttpAnswer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

export interface HttpClientOptions {
  readonly modern?: boolean;
  /** Of `http.tokens`. */
  readonly token?: string;
  /** Of a modern client. */
  readonly capabilities?: Entry;
}

export interface HttpCaller {
  readonly session: string | undefined;
  greet(): Promise<HttpCaller>;
  request(method: string, params?: Entry): Promise<RpcMessage>;
  call(name: string, args?: Entry): Promise<RpcMessage>;
  /** Sends a call and returns a function that breaks the connection. */
  callAndLeave(name: string, args?: Entry): () => void;
  status(server: string): Promise<Record<string, unknown>>;
}

const CAPABILITIES = 'io.modelcontextprotocol/clientCapabilities';
const MODERN = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientInfo': { name: 'cases', version: '1' },
};

export function httpClient(
  proxy: ProxyUnderTest,
  { modern = false, token, capabilities = {} }: HttpClientOptions = {},
): HttpCaller {
  let session: string | undefined;
  const bearer: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };

  function message(
    id: number,
    method: string,
    params: Entry,
  ): { text: string; headers: Record<string, string> } {
    const sent = modern
      ? {
          ...params,
          _meta: { ...(params['_meta'] as Entry | undefined), ...MODERN, [CAPABILITIES]: capabilities },
        }
      : params;
    const headers: Record<string, string> = modern
      ? {
          ...bearer,
          'mcp-protocol-version': '2026-07-28',
          'mcp-method': method,
          ...(typeof params['name'] === 'string' && { 'mcp-name': params['name'] }),
        }
      : {
          ...bearer,
          ...(session !== undefined && { 'mcp-session-id': session, 'mcp-protocol-version': '2025-11-25' }),
        };
    return { text: JSON.stringify({ jsonrpc: '2.0', id, method, params: sent }), headers };
  }

  async function request(method: string, params: Entry = {}): Promise<RpcMessage> {
    const id = proxy.ledger.nextId();
    proxy.ledger.asked(id);
    const { text, headers } = message(id, method, params);
    const answer = await post(proxy.url, text, headers);
    session ??= answer.headers['mcp-session-id'] as string | undefined;
    const found = messagesIn(answer).find((one) => one.id === id);
    if (!found) throw new Error(`no answer to ${method}: HTTP ${answer.status} ${answer.body.slice(0, 500)}`);
    proxy.ledger.answered(found);
    return found;
  }

  const caller: HttpCaller = {
    get session() {
      return session;
    },
    async greet() {
      await request('initialize', {
        protocolVersion: '2025-11-25',
        capabilities: {},
        clientInfo: { name: 'cases', version: '1' },
      });
      const note = JSON.stringify({ jsonrpc: '2.0', method: 'notifications/initialized' });
      await post(proxy.url, note, { ...bearer, 'mcp-session-id': session ?? '' });
      return caller;
    },
    request,
    call: (name, args = {}) => request('tools/call', { name, arguments: args }),
    callAndLeave(name, args = {}) {
      const { text, headers } = message(proxy.ledger.nextId(), 'tools/call', { name, arguments: args });
      const sent = httpRequest(proxy.url, {
        method: 'POST',
        agent: false,
        headers: { ...POST_HEADERS, ...headers },
      });
      sent.on('error', () => {});
      sent.end(text);
      return () => sent.destroy();
    },
    async status(server) {
      const { result } = await caller.call('proxy_status');
      const { servers } = result?.['structuredContent'] as { servers: Record<string, unknown>[] };
      return servers.find((one) => one['server'] === server) ?? {};
    },
  };
  return caller;
}

const POST_HEADERS = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' };

/** One POST on a connection of its own. */
export function post(
  url: string,
  body: string | Buffer,
  headers: Record<string, string> = {},
): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    const sent = httpRequest(
      url,
      { method: 'POST', agent: false, headers: { ...POST_HEADERS, ...headers } },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            body: Buffer.concat(chunks).toString(),
          }),
        );
      },
    );
    sent.on('error', reject);
    sent.end(body);
  });
}

/** The messages of an answer, be it JSON or an event stream. */
export function messagesIn({ headers, body }: HttpAnswer): RpcMessage[] {
  if (body === '') return [];
  const type = headers['content-type'] ?? '';
  const texts = type.startsWith('text/event-stream')
    ? body.split('\n').flatMap((line) => (line.startsWith('data: ') ? line.slice(6) : []))
    : [body];
  return texts.filter((text) => text !== '').map((text) => JSON.parse(text) as RpcMessage);
}
