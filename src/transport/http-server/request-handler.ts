/** The way of one request: who asks, for what, in which form; then its body, then whoever answers it. */
import { INTERNAL_ERROR, messageOf } from '../../core/errors.ts';
import type { Logger } from '../../core/logger.ts';
import type { HttpGuard } from './guard.ts';
import { errorBody } from './error-body.ts';
import type { HttpReply } from './reply.ts';
import { Elided, type MessageText } from '../../json/elided.ts';
import type { RequestHead, RequestHeaders } from '../http1/request-reader.ts';
import { RequestBody, tooLarge } from './request-body.ts';
import { answerPreflight, corsHeaders } from './cors.ts';
import { checkTypes } from './content-negotiation.ts';
import { refuse, type Refusal } from './refusal.ts';
import type { HeaderFields } from '../http1/response-text.ts';
import type { IncomingRequest, ResponseWriter } from './incoming-request.ts';

type HttpMethod = 'POST' | 'GET' | 'DELETE';

export interface HttpExchange {
  readonly method: HttpMethod;
  readonly headers: RequestHeaders;
  /** A header by its name in lower case. One that came more than once is one value, joined with commas. */
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
  readonly guard: HttpGuard;
  readonly routes: ReadonlyMap<string, () => HttpPage | Promise<HttpPage>>;
  readonly onMcp: (exchange: HttpExchange) => void;
  readonly openReply: (
    response: ResponseWriter,
    awaited: boolean,
    headers: HeaderFields | undefined,
  ) => HttpReply;
  readonly stopping: () => boolean;
  /** One more was refused. */
  readonly refused: () => void;
  readonly log: Logger;
}

export type RequestHandler = (request: IncomingRequest, response: ResponseWriter) => void;

/** The one page that needs no token: it tells nothing but that the process lives. */
const OPEN_PAGE = '/healthz';
/** Pages for load balancers, by whatever name or address they have for us. */
const FOR_ANY_HOST: ReadonlySet<string> = new Set([OPEN_PAGE, '/readyz']);

/** A client that may call, as whom, and what a page of it may read. */
interface Admitted {
  readonly principal: string;
  readonly cors: HeaderFields | undefined;
}

export function requestHandler(options: RequestOptions): RequestHandler {
  /** Whose POST with this head was let in: the same head comes again and again on its connection. */
  const admitted = new WeakMap<RequestHead, Admitted>();
  return (request, response) => {
    const known = admitted.get(request.head);
    const handling = new Handling(options, request, response);
    if (known && !options.stopping()) return handling.post(known);
    const found = handling.handle();
    if (found) admitted.set(request.head, found);
  };
}

class Handling {
  readonly #options: RequestOptions;
  readonly #request: IncomingRequest;
  readonly #response: ResponseWriter;
  /** Header fields for an allowed web page. */
  #cors: HeaderFields | undefined;

  constructor(options: RequestOptions, request: IncomingRequest, response: ResponseWriter) {
    this.#options = options;
    this.#request = request;
    this.#response = response;
  }

  /** @returns who has been let in with a POST. */
  handle(): Admitted | undefined {
    const { head } = this.#request;
    const { guard, path } = this.#options;
    const place = placeOf(head);
    if (!place) return this.#refuse({ status: 400, message: 'The address and "Host" name different hosts.' });
    const target = place.path;
    const stranger = this.#checkSender(head, place);
    if (stranger) return this.#refuse(stranger);
    if (answerPreflight(head, this.#response, this.#cors)) return undefined;
    const principal = target === OPEN_PAGE ? '' : guard.principalOf(head.headers['authorization']);
    if (typeof principal !== 'string') return this.#refuse(principal);
    if (target === path) return this.#handleMcp(head, { principal, cors: this.#cors });
    void this.#answerPage(target, head.method);
    return undefined;
  }

  post({ principal, cors }: Admitted): void {
    this.#cors = cors;
    this.#request.takeBody(
      new RequestBody(this.#options.maxBodyBytes, (body) => {
        if (typeof body === 'string' || body instanceof Elided) this.#pass('POST', principal, body);
        else this.#refuse(body);
      }),
    );
  }

  #checkSender({ headers }: RequestHead, { host, path }: Place): Refusal | undefined {
    const { guard, stopping } = this.#options;
    if (stopping()) return { status: 503, message: 'The proxy is stopping.', last: true };
    const { origin } = headers;
    const stranger = FOR_ANY_HOST.has(path)
      ? undefined
      : guard.checkHost(host, () => this.#request.localAddress);
    if (stranger || origin === undefined) return stranger;
    const foreign = guard.checkOrigin(origin);
    if (!foreign) this.#cors = corsHeaders(origin);
    return foreign;
  }

  #handleMcp({ method, headers, framing }: RequestHead, admitted: Admitted): Admitted | undefined {
    if (method !== 'POST' && method !== 'GET' && method !== 'DELETE')
      return this.#refuse(wrongMethod('POST, GET, DELETE'));
    const mismatch = checkTypes(method, headers);
    if (mismatch) return this.#refuse(mismatch);
    if (method !== 'POST') {
      this.#pass(method, admitted.principal, '');
      return undefined;
    }
    const { maxBodyBytes } = this.#options;
    if (framing !== 'chunks' && framing > maxBodyBytes) return this.#refuse(tooLarge(maxBodyBytes));
    const expected = headers['expect'];
    if (expected !== undefined) {
      if (expected.toLowerCase() !== '100-continue')
        return this.#refuse({ status: 417, message: 'Only 100-continue can be expected.' });
      this.#response.continue();
    }
    this.post(admitted);
    // Whoever waits for a word before the body gets it every time.
    return expected === undefined ? admitted : undefined;
  }

  #pass(method: HttpMethod, principal: string, body: MessageText): void {
    const reply = this.#options.openReply(this.#response, method === 'POST', this.#cors);
    try {
      this.#options.onMcp(new Exchange(method, this.#request.head.headers, principal, body, reply));
    } catch (error) {
      this.#options.log.error({ method, error: messageOf(error) }, 'request failed');
      reply.json(500, errorBody('The proxy failed: see its log.', INTERNAL_ERROR));
    }
  }

  async #answerPage(target: string, method: string): Promise<void> {
    const { routes, path, log } = this.#options;
    const page = routes.get(target);
    if (!page) return this.#refuse({ status: 404, message: `Nothing is here: MCP is served at ${path}.` });
    if (method !== 'GET' && method !== 'HEAD') return this.#refuse(wrongMethod('GET, HEAD'));
    try {
      const { status, type, body } = await page();
      this.#response.send(status, { 'content-type': type, 'cache-control': 'no-store', ...this.#cors }, body);
    } catch (error) {
      log.error({ page: target, error: messageOf(error) }, 'page failed');
      this.#refuse({ status: 500, code: INTERNAL_ERROR, message: 'This page failed: see the log.' });
    }
  }

  #refuse(refusal: Refusal): undefined {
    const { log, refused } = this.#options;
    refused();
    log.debug({ status: refusal.status, method: this.#request.head.method }, 'request refused');
    refuse(this.#request, this.#response, refusal, this.#cors);
  }
}

class Exchange implements HttpExchange {
  readonly method: HttpMethod;
  readonly headers: RequestHeaders;
  readonly principal: string;
  readonly body: MessageText;
  readonly reply: HttpReply;

  constructor(
    method: HttpMethod,
    headers: RequestHeaders,
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
    return this.headers[name];
  }
}

/** The place that a request is for. */
interface Place {
  readonly host: string | undefined;
  /** Without its query. */
  readonly path: string;
}

const WHOLE_ADDRESS = /^https?:\/\/([^/?#]+)([^?#]*)/;

/** @returns `undefined` where two hosts are named. Not by a URL object, which costs more than the rest of a small request. */
function placeOf({ target, headers }: RequestHead): Place | undefined {
  const { host } = headers;
  const [, named, path] = WHOLE_ADDRESS.exec(target) ?? [];
  if (named === undefined) return { host, path: tidied(target.split('?', 1)[0] ?? '') };
  const isSame = host === undefined || withoutUsualPort(host) === withoutUsualPort(named);
  return isSame ? { host: named, path: tidied(path || '/') } : undefined;
}

function withoutUsualPort(host: string): string {
  return host.toLowerCase().replace(/:(?:80|443)?$/, '');
}

/** Paths that people take for one: in capitals, with a slash behind, or two where an address was put together. */
function tidied(path: string): string {
  const plain = path.replace(/\/{2,}/g, '/').toLowerCase();
  return plain.length > 1 && plain.endsWith('/') ? plain.slice(0, -1) : plain;
}

function wrongMethod(allow: string): Refusal {
  return { status: 405, message: `Only ${allow} here.`, headers: { allow } };
}
