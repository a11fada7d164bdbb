/** The way of one request: who asks, for what, in which form; then its body, then whoever answers it. */
import type { IncomingHttpHeaders, IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { INTERNAL_ERROR, messageOf } from '../core/errors.ts';
import type { Logger } from '../core/logger.ts';
import type { Guard } from './http-guard.ts';
import type { HttpReply } from './http-reply.ts';
import { Abridged, type MessageText } from '../core/abridged.ts';
import { readBody } from './http-server-body.ts';
import { answerPreflight, corsHeaders } from './http-server-cors.ts';
import { checkTypes } from './http-server-negotiation.ts';
import { errorBody, refuse, type Refusal } from './http-server-refusal.ts';

type HttpMethod = 'POST' | 'GET' | 'DELETE';

export interface HttpExchange {
  readonly method: HttpMethod;
  readonly headers: IncomingHttpHeaders;
  /** A header that came more than once is one value, joined with commas. */
  header(name: string): string | undefined;
  /** The token's owner, or `local` where no tokens are set. */
  readonly principal: string;
  /** Valid UTF-8, never empty; of a POST only. */
  readonly body: MessageText;
  readonly reply: HttpReply;
}

export interface HttpPage {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

export interface RequestOptions {
  readonly path: string;
  readonly maxBodyBytes: number;
  readonly lingerMs: number;
  readonly guard: Guard;
  readonly routes: ReadonlyMap<string, () => HttpPage | Promise<HttpPage>>;
  readonly onMcp: (exchange: HttpExchange) => void;
  readonly openReply: (
    res: ServerResponse,
    awaited: boolean,
    headers: OutgoingHttpHeaders | undefined,
  ) => HttpReply;
  readonly stopping: () => boolean;
  /** One more was refused. */
  readonly refused: () => void;
  readonly log: Logger;
}

/** `mustContinue`: the client waits for a word before it sends the body. */
export type RequestHandler = (req: IncomingMessage, res: ServerResponse, mustContinue: boolean) => void;

const MAX_HEADERS = 256;
/** The one page that needs no token: it tells nothing but that the process lives. */
const OPEN_PAGE = '/healthz';

export function requestHandler(options: RequestOptions): RequestHandler {
  return (req, res, mustContinue) => new Request(options, req, res).handle(mustContinue);
}

class Request {
  readonly #options: RequestOptions;
  readonly #req: IncomingMessage;
  readonly #res: ServerResponse;
  /** Headers for an allowed web page. */
  #cors: OutgoingHttpHeaders | undefined;

  constructor(options: RequestOptions, req: IncomingMessage, res: ServerResponse) {
    this.#options = options;
    this.#req = req;
    this.#res = res;
  }

  handle(mustContinue: boolean): void {
    const stranger = this.#checkSender();
    if (stranger) return this.#refuse(stranger);
    if (this.#cors !== undefined && answerPreflight(this.#req, this.#res, this.#cors)) return;
    const target = pathOf(this.#req.url);
    const principal =
      target === OPEN_PAGE ? '' : this.#options.guard.principalOf(this.#req.headers.authorization);
    if (typeof principal !== 'string') return this.#refuse(principal);
    if (target === this.#options.path) this.#handleMcp(principal, mustContinue);
    else void this.#answerPage(target);
  }

  #checkSender(): Refusal | undefined {
    const { guard, stopping } = this.#options;
    const { headers, rawHeaders, socket } = this.#req;
    if (stopping())
      return { status: 503, message: 'The proxy is stopping.', headers: { connection: 'close' } };
    if (rawHeaders.length > MAX_HEADERS * 2)
      return { status: 431, message: `More than ${MAX_HEADERS} headers.` };
    const stranger = guard.checkHost(headers.host, () => socket.localAddress);
    if (stranger || headers.origin === undefined) return stranger;
    const foreign = guard.checkOrigin(headers.origin);
    if (!foreign) this.#cors = corsHeaders(headers.origin);
    return foreign;
  }

  #handleMcp(principal: string, mustContinue: boolean): void {
    const { method, headers } = this.#req;
    if (method !== 'POST' && method !== 'GET' && method !== 'DELETE')
      return this.#refuse(wrongMethod('POST, GET, DELETE'));
    const mismatch = checkTypes(method, headers);
    if (mismatch) return this.#refuse(mismatch);
    if (method !== 'POST') {
      this.#req.resume();
      return this.#pass(method, principal, '');
    }
    const tooLarge = readBody(this.#req, this.#options.maxBodyBytes, (body) => {
      if (typeof body === 'string' || body instanceof Abridged) this.#pass(method, principal, body);
      else this.#refuse(body);
    });
    if (tooLarge) this.#refuse(tooLarge);
    else if (mustContinue) this.#res.writeContinue();
  }

  #pass(method: HttpMethod, principal: string, body: MessageText): void {
    const reply = this.#options.openReply(this.#res, method === 'POST', this.#cors);
    try {
      this.#options.onMcp(new Exchange(method, this.#req.headers, principal, body, reply));
    } catch (error) {
      this.#options.log.error({ method, error: messageOf(error) }, 'request failed');
      reply.json(500, errorBody('The proxy failed: see its log.', INTERNAL_ERROR));
    }
  }

  async #answerPage(target: string): Promise<void> {
    const { routes, path, log } = this.#options;
    const { method } = this.#req;
    const page = routes.get(target);
    if (!page) return this.#refuse({ status: 404, message: `Nothing is here: MCP is served at ${path}.` });
    if (method !== 'GET' && method !== 'HEAD') return this.#refuse(wrongMethod('GET, HEAD'));
    try {
      const { status, type, body } = await page();
      this.#res.writeHead(status, {
        'content-type': type,
        'content-length': Buffer.byteLength(body),
        'cache-control': 'no-store',
        ...this.#cors,
      });
      this.#res.end(body);
    } catch (error) {
      log.error({ page: target, error: messageOf(error) }, 'page failed');
      this.#refuse({ status: 500, code: INTERNAL_ERROR, message: 'This page failed: see the log.' });
    }
  }

  #refuse(refusal: Refusal): void {
    const { log, lingerMs, refused } = this.#options;
    refused();
    log.debug({ status: refusal.status, method: this.#req.method }, 'request refused');
    refuse(this.#req, this.#res, refusal, this.#cors, lingerMs);
  }
}

class Exchange implements HttpExchange {
  readonly method: HttpMethod;
  readonly headers: IncomingHttpHeaders;
  readonly principal: string;
  readonly body: MessageText;
  readonly reply: HttpReply;

  constructor(
    method: HttpMethod,
    headers: IncomingHttpHeaders,
    principal: string,
    body: MessageText,
    reply: HttpReply,
  ) {
    this.method = method;
    this.headers = headers;
    this.principal = principal;
    this.body = body;
    this.reply = reply;
  }

  header(name: string): string | undefined {
    const value = this.headers[name.toLowerCase()];
    return Array.isArray(value) ? value.join(', ') : value;
  }
}

/** Compared as it stands: a URL object costs more than the rest of a small request. */
function pathOf(url = ''): string {
  const question = url.indexOf('?');
  return question < 0 ? url : url.slice(0, question);
}

function wrongMethod(allow: string): Refusal {
  return { status: 405, message: `Only ${allow} here.`, headers: { allow } };
}
