/**
 * The requests that a login makes: to public addresses (see `address-rules.ts`), over https, bounded in size and
 * time, and never led to another origin.
 */
import { lookup } from 'node:dns';
import { EnvHttpProxyAgent, Agent, request, type Dispatcher } from 'undici';
import { retryAfter } from '../../transport/http-client/status-error.ts';
import { headerOf } from '../../transport/http-client/headers.ts';
import {
  addressIn,
  type AllowedAddresses,
  Blocked,
  blockedHost,
  checkedLookup,
  isAllowedAddress,
  isLoopbackHost,
  type Lookup,
} from './address-rules.ts';

const MAX_BYTES = 256 * 1024;
const TIMEOUT_MS = 10_000;
const MAX_REDIRECTS = 3;

export interface FetchGuardOptions {
  /** The MCP server that the login is for; its own origin is the operator's word. */
  readonly server: URL;
  readonly allowPrivateAddresses: boolean;
  /** Holds `HTTPS_PROXY` and its kin. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly lookup?: Lookup | undefined;
  /** Covers all requests together. */
  readonly togetherMs?: number | undefined;
}

export interface FetchGuard {
  /** Fits the SDK's `fetchFn`. @throws Blocked */
  readonly fetch: (url: string | URL, init?: RequestInit) => Promise<Response>;
  /** Checks an address that somebody else will open. @throws Blocked */
  check(url: URL): Promise<void>;
  close(): Promise<void>;
  /** The last answer asked not to be asked again sooner. */
  readonly waitMs: number | undefined;
}

/** A request failed where the answer was to come back later. */
export class AskedToWait extends Error {
  override readonly name = 'AskedToWait';
  readonly ms: number;

  constructor(ms: number, cause: unknown) {
    super('it asks to wait', { cause });
    this.ms = ms;
  }
}

export function openGuard(options: FetchGuardOptions): FetchGuard {
  const { server, allowPrivateAddresses, env, lookup: find, togetherMs = Infinity } = options;
  const resolve: Lookup =
    find ?? ((hostname, options, done) => lookup(hostname, { ...options, all: true }, done));
  const allowed: AllowedAddresses = { loopback: isLoopbackHost(server), private: allowPrivateAddresses };
  const checked = checkedLookup(resolve, allowed);
  const strict = connections(env, checked);
  const own = connections(env, undefined);
  const until = performance.now() + togetherMs;
  let waitMs: number | undefined;

  return {
    get waitMs() {
      return waitMs;
    },
    async fetch(input, init = {}) {
      const method = (init.method ?? 'GET').toUpperCase();
      const headers: Record<string, string> = { 'accept-encoding': 'identity' };
      new Headers(init.headers).forEach((value, name) => (headers[name] = value));
      let url = new URL(input);
      const left = Math.max(0, Math.ceil(until - performance.now()));
      const signal = AbortSignal.timeout(Math.min(TIMEOUT_MS, left));
      for (let redirects = 0; ; redirects++) {
        checkText(url);
        const answer = await request(url, {
          method,
          headers,
          body: bodyOf(init.body) ?? null,
          dispatcher: url.origin === server.origin ? own : strict,
          signal,
        });
        const isBusy = answer.statusCode === 429 || answer.statusCode === 503;
        waitMs = isBusy ? retryAfter(headerOf(answer.headers, 'retry-after')) : undefined;
        const target = redirectTarget(url, answer.statusCode, answer.headers['location']);
        const text = await readBounded(answer.body, url);
        if (target === undefined) return responseOf(answer.statusCode, answer.headers, text);
        if (target.origin !== url.origin || method !== 'GET' || redirects === MAX_REDIRECTS)
          throw new Blocked(`${url.origin} redirects to ${target.origin}, which is not followed`);
        url = target;
      }
    },
    async check(url) {
      checkText(url);
      if (url.origin === server.origin || addressIn(url) !== undefined) return;
      await new Promise<void>((done, fail) => {
        checked(url.hostname, {}, (error) => (error ? fail(error) : done()));
      });
    },
    async close() {
      await Promise.all([strict.destroy(), own.destroy()]);
    },
  };

  /** Refuses a URL for what it shows by itself, without a look at DNS. */
  function checkText(url: URL): void {
    if (url.protocol !== 'https:' && url.protocol !== 'http:')
      throw new Blocked(`an address that is neither http nor https was named for the login: refused`);
    if (url.username !== '' || url.password !== '')
      throw new Blocked(`an address with a user name in it was named for the login: refused`);
    if (url.origin === server.origin) return;
    if (url.protocol === 'http:' && !isLoopbackHost(url))
      throw new Blocked(`${url.origin} is no https address: refused for a login`);
    const address = addressIn(url);
    if (address !== undefined && !isAllowedAddress(address, allowed)) throw blockedHost(url.hostname);
  }
}

function connections(
  env: Readonly<Record<string, string | undefined>>,
  checked: ReturnType<typeof checkedLookup> | undefined,
): Dispatcher {
  const settings = {
    connections: 4,
    headersTimeout: TIMEOUT_MS,
    bodyTimeout: TIMEOUT_MS,
    connect: { timeout: TIMEOUT_MS, ...(checked && { lookup: checked }) },
  };
  const httpProxy = env['http_proxy'] || env['HTTP_PROXY'] || '';
  const httpsProxy = env['https_proxy'] || env['HTTPS_PROXY'] || '';
  if (httpProxy === '' && httpsProxy === '') return new Agent(settings);
  const noProxy = ['localhost', '127.0.0.1', '::1', env['no_proxy'] ?? env['NO_PROXY'] ?? ''].join(',');
  // Behind the operator's proxy the names are looked up there; addresses written out are still refused here.
  return new EnvHttpProxyAgent({ ...settings, httpProxy, httpsProxy, noProxy });
}

function bodyOf(body: unknown): string | undefined {
  if (body === undefined || body === null) return undefined;
  if (typeof body === 'string') return body;
  if (body instanceof URLSearchParams) return body.toString();
  throw new TypeError('a body of this kind is not sent');
}

function redirectTarget(from: URL, status: number, location: string | string[] | undefined): URL | undefined {
  if (status < 300 || status > 399 || status === 304) return undefined;
  const [to] = [location].flat();
  if (to === undefined || !URL.canParse(to, from.href))
    throw new Blocked(`${from.origin} redirects to nowhere`);
  return new URL(to, from);
}

async function readBounded(body: AsyncIterable<Buffer>, url: URL): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > MAX_BYTES) throw new Blocked(`${url.origin} answered with more than ${MAX_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** The SDK knows responses by Node's own class. */
function responseOf(
  status: number,
  fields: Readonly<Record<string, string | string[] | undefined>>,
  text: string,
): Response {
  const headers = new Headers();
  for (const [name, value] of Object.entries(fields))
    for (const one of [value].flat()) if (one !== undefined) headers.append(name, one);
  return new Response([204, 205, 304].includes(status) ? null : text, { status, headers });
}
