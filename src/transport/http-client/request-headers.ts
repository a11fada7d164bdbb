/** Requests to one server as they are sent: connections, path and header fields. */
import { batchWrite } from '../bytes/write-batch.ts';
import { type RequestDispatcher, dispatcherFor, type ProxyVariables } from './dispatcher.ts';
import type { ResponseExchange } from './exchange.ts';
import type { HttpRequest } from './pending-request.ts';
import { VIA } from '../loop-detection.ts';
import { percentDecoded } from '../../core/percent-decoding.ts';
import { headerSecrets, urlSecrets } from '../../core/redaction/known-secrets.ts';
import { redactor } from '../../core/redaction/redact.ts';
import type { EncodedMessage as Message } from '../../json/message-text.ts';

export type Headers = Readonly<Record<string, string>>;

export interface RequestEncoderOptions {
  readonly url: URL;
  /** A function where they change over time (tokens); it is asked for every request, so let it return the same object. */
  readonly headers: Headers | (() => Headers);
  readonly connectTimeoutMs: number;
  readonly env: ProxyVariables;
  /** The mark that names the proxies before the server; the same text until it changes. */
  readonly via?: (() => string) | undefined;
}

export interface PostOptions {
  readonly body: Message;
  readonly path: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** Goes by connections that calls cannot use up. */
  readonly aside: boolean;
}

/**
 * Calls that hang may take all of these; so what must get through nevertheless (cancellations, answers to
 * a server that asks in the middle of a call, its own stream) has connections of its own.
 */
const CONNECTIONS = 64;
const CONNECTIONS_ASIDE = 8;
/** So many further fields of requests are kept, none longer than this. */
const MAX_KEPT = 256;
const MAX_KEPT_CHARACTERS = 512;

export class RequestEncoder {
  /** The path and query of the configured address. */
  readonly path: string;
  readonly #url: URL;
  readonly #headers: () => Headers;
  readonly #connections: RequestDispatcher;
  readonly #aside: RequestDispatcher;
  #session: string | undefined;
  #version: string | undefined;
  readonly #via: (() => string) | undefined;
  #known: Headers | undefined;
  #knownVia: string | undefined;
  #postHeaders: string[] = [];
  /** With what single requests have beside: a tool's name, mostly. */
  readonly #further = new Map<string, string[]>();

  /** @throws TypeError where an address is none for HTTP. */
  constructor(options: RequestEncoderOptions) {
    const { url, headers, via } = options;
    this.#url = url;
    this.#via = via;
    this.path = url.pathname + url.search;
    this.#headers = typeof headers === 'function' ? headers : () => headers;
    const { connectTimeoutMs, env } = options;
    this.#connections = dispatcherFor(url, env, { connections: CONNECTIONS, connectTimeoutMs });
    this.#aside = dispatcherFor(url, env, { connections: CONNECTIONS_ASIDE, connectTimeoutMs });
  }

  get session(): string | undefined {
    return this.#session;
  }

  set session(session: string | undefined) {
    this.#session = session;
    this.#known = undefined;
  }

  set version(version: string) {
    this.#version = version;
    this.#known = undefined;
  }

  post(exchange: ResponseExchange, { body, path, headers, aside }: PostOptions): void {
    const known = this.#headers();
    const via = this.#via?.();
    if (known !== this.#known || via !== this.#knownVia) {
      this.#known = known;
      this.#knownVia = via;
      this.#postHeaders = [
        ...this.#ours(known),
        'content-type',
        'application/json',
        'accept',
        'application/json, text/event-stream',
      ];
      this.#further.clear();
    }
    const all = headers.length === 0 ? this.#postHeaders : this.#with(headers);
    this.#dispatch(aside, { method: 'POST', path, headers: all, body }, exchange);
  }

  /** The same array for the same fields: whoever writes them looks at them once. */
  #with(headers: PostOptions['headers']): string[] {
    let key = '';
    // With the lengths no two lists come to the same.
    for (const [name, value] of headers) key += `${name.length} ${value.length} ${name}${value}`;
    const known = this.#further.get(key);
    if (known) return known;
    const all = [...this.#postHeaders, ...headers.flat()];
    if (key.length > MAX_KEPT_CHARACTERS) return all;
    if (this.#further.size === MAX_KEPT) this.#further.clear();
    this.#further.set(key, all);
    return all;
  }

  get(exchange: ResponseExchange, path: string, lastEventId: string | undefined, aside: boolean): void {
    const headers = [...this.#ours(this.#headers()), 'accept', 'text/event-stream'];
    if (lastEventId !== undefined) headers.push('last-event-id', lastEventId);
    this.#dispatch(aside, { method: 'GET', path, headers }, exchange);
  }

  delete(exchange: ResponseExchange): void {
    const headers = this.#ours(this.#headers());
    this.#dispatch(true, { method: 'DELETE', path: this.path, headers }, exchange);
  }

  /** A text of the server's without what it was sent as secrets. */
  purged(text: string): string {
    if (text === '') return text;
    const { href, username } = this.#url;
    const sent = Object.entries(this.#headers()).flatMap(([name, value]) => headerSecrets(name, value));
    return redactor([...sent, ...urlSecrets(href), percentDecoded(username), this.#session ?? ''])(text);
  }

  async destroy(): Promise<void> {
    await Promise.all([this.#connections.destroy(), this.#aside.destroy()]);
  }

  #dispatch(aside: boolean, request: HttpRequest, exchange: ResponseExchange): void {
    request.origin = this.#url.origin;
    const connections = aside ? this.#aside : this.#connections;
    batchWrite(() => exchange.send(connections, request));
  }

  #ours(configured: Headers): string[] {
    const fields: string[] = [];
    let authorized = false;
    for (const [name, value] of Object.entries(configured)) {
      const lower = name.toLowerCase();
      if (RESERVED.has(lower) || lower.startsWith('mcp-param-')) continue;
      authorized ||= lower === 'authorization';
      fields.push(name, value);
    }
    const { username, password } = this.#url;
    if (!authorized && (username !== '' || password !== '')) {
      const pair = `${percentDecoded(username)}:${percentDecoded(password)}`;
      fields.push('authorization', `Basic ${Buffer.from(pair).toString('base64')}`);
    }
    fields.push('accept-encoding', 'identity');
    const via = this.#via?.();
    if (via !== undefined) fields.push(VIA, via);
    if (this.#session !== undefined) fields.push('mcp-session-id', this.#session);
    if (this.#version !== undefined) fields.push('mcp-protocol-version', this.#version);
    return fields;
  }
}

/** Header fields that the transport and the protocol set themselves; a configured value would break one of them. */
const RESERVED: ReadonlySet<string> = new Set([
  'accept',
  'accept-encoding',
  'connection',
  'content-encoding',
  'content-length',
  'content-type',
  'expect',
  'keep-alive',
  'last-event-id',
  'mcp-method',
  'mcp-name',
  'mcp-protocol-version',
  'mcp-session-id',
  VIA,
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);
