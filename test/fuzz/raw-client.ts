/** Clients that write and read JSON-RPC as text: over the proxy's pipes, and over HTTP in both eras. */
import { createParser } from 'eventsource-parser';
import type { Era } from './raw-downstream.ts';
import type { FuzzProxy } from './fuzz-proxy.ts';

export interface RawCall {
  readonly id: string;
  readonly method: string;
  /** What the call is about, for modern HTTP's header. */
  readonly name: string;
  readonly params: string;
  /** Gets each message that comes before the answer. */
  readonly onMessage?: (text: string, reply: (text: string) => void) => void;
}

export interface RawClient {
  readonly era: Era;
  /** @returns the answer's text. */
  call(call: RawCall): Promise<string>;
}

export const CLIENT_INFO = '{"name":"fuzz","version":"1"}';
export const CLIENT_CAPABILITIES = '{"sampling":{"tools":{}},"elicitation":{"form":{},"url":{}}}';
const PREFIX = 'io.modelcontextprotocol/';
export const ENVELOPE: readonly (readonly [key: string, value: string])[] = [
  [`${PREFIX}protocolVersion`, '"2026-07-28"'],
  [`${PREFIX}clientInfo`, CLIENT_INFO],
  [`${PREFIX}clientCapabilities`, CLIENT_CAPABILITIES],
];
export const LOG_LEVEL: readonly [key: string, value: string] = [`${PREFIX}logLevel`, '"debug"'];

const INITIALIZE = `{"jsonrpc":"2.0","id":"init","method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":${CLIENT_CAPABILITIES},"clientInfo":${CLIENT_INFO}}}`;
const INITIALIZED = '{"jsonrpc":"2.0","method":"notifications/initialized"}';
const LIST_CHANGED = /^\{"jsonrpc":"2\.0","method":"notifications\/[a-z]+\/list_changed"\}$/;

export async function stdioClients(proxy: FuzzProxy): Promise<{ legacy: RawClient; modern: RawClient }> {
  const clientOf = (era: Era): RawClient => ({ era, call: (call) => overPipe(proxy, textOf(call), call) });
  await overPipe(proxy, INITIALIZE, { id: '"init"', method: '', name: '', params: '' });
  proxy.write(INITIALIZED);
  return { legacy: clientOf('legacy'), modern: clientOf('modern') };
}

function overPipe(proxy: FuzzProxy, text: string, { id, onMessage }: RawCall): Promise<string> {
  return new Promise((resolve) => {
    const off = proxy.onLine((line) => {
      if (isAnswer(line, id)) {
        off();
        resolve(line);
      } else if (!LIST_CHANGED.test(line)) onMessage?.(line, (reply) => proxy.write(reply));
    });
    proxy.write(text);
  });
}

export async function legacyHttpClient({ url }: FuzzProxy): Promise<RawClient> {
  const handshakeDone = await post(url, INITIALIZE, {});
  await handshakeDone.text();
  const headers = {
    'mcp-session-id': handshakeDone.headers.get('mcp-session-id') ?? '',
    'mcp-protocol-version': '2025-11-25',
  };
  await post(url, INITIALIZED, headers);
  return { era: 'legacy', call: (call) => overHttp(url, headers, call) };
}

export function modernHttpClient({ url }: FuzzProxy): RawClient {
  return {
    era: 'modern',
    call: (call) =>
      overHttp(
        url,
        {
          'mcp-protocol-version': '2026-07-28',
          'mcp-method': call.method,
          ...(call.name !== '' && { 'mcp-name': call.name }),
        },
        call,
      ),
  };
}

async function overHttp(url: string, headers: Record<string, string>, call: RawCall): Promise<string> {
  const response = await post(url, textOf(call), headers);
  if (response.headers.get('content-type') !== 'text/event-stream') return response.text();
  let answer: string | undefined;
  // One behind the other, as a client that keeps order would.
  let said: Promise<unknown> = Promise.resolve();
  const reply = (text: string): void => void (said = said.then(() => post(url, text, headers)));
  const parser = createParser({
    onEvent({ data }) {
      if (isAnswer(data, call.id)) answer = data;
      else call.onMessage?.(data, reply);
    },
  });
  const decoder = new TextDecoder();
  for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>)
    parser.feed(decoder.decode(chunk, { stream: true }));
  if (answer === undefined) throw new Error('the stream ended without an answer');
  return answer;
}

export function post(
  url: string,
  body: string,
  headers: Readonly<Record<string, string>>,
): Promise<Response> {
  return fetch(url, {
    method: 'POST',
    body,
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      ...headers,
    },
  });
}

function textOf({ id, method, params }: RawCall): string {
  return `{"jsonrpc":"2.0","id":${id},"method":"${method}","params":${params}}`.replaceAll(/[\r\n]/g, ' ');
}

function isAnswer(text: string, id: string): boolean {
  return (
    text.startsWith(`{"jsonrpc":"2.0","id":${id},"result":`) ||
    text.startsWith(`{"jsonrpc":"2.0","id":${id},"error":`)
  );
}
