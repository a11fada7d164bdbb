/** The endpoint over HTTP: legacy sessions and modern requests on one path, told apart by each request itself. */
import { INVALID_REQUEST, RpcError, UNSUPPORTED_PROTOCOL_VERSION } from '../core/errors.ts';
import { VIA } from '../transport/loop-detection.ts';
import { listModeNamed, type ListMode } from '../core/list-mode.ts';
import type { Json } from '../json/json.ts';
import { textOf, type EncodedMessage } from '../json/message-text.ts';
import { batchTexts, encodeErrorText, type Message, readMessage } from '../protocol/message.ts';
import { eraOf, LEGACY_REVISIONS } from '../protocol/revisions.ts';
import type { CloseReason, HttpReply } from '../transport/http-server/reply.ts';
import type { HttpExchange } from '../transport/http-server/request-handler.ts';
import { checkNames, checkParams, checkVersion } from './header-check.ts';
import { type HttpSession, HttpSessions, type HttpSessionsOptions } from './http-sessions.ts';
import { ModernEndpoint } from './modern/modern-endpoint.ts';
import { claimsModern } from './modern/request-envelope.ts';
import type { GoneCause, ResponseSink } from './response-sink.ts';

const SESSION_HEADER = 'mcp-session-id';
const VERSION_HEADER = 'mcp-protocol-version';
/** Codes of legacy servers for a session that is missing, and for one that is unknown. */
const NO_SESSION = -32000;
const SESSION_NOT_FOUND = -32001;
const LOOP_DETECTED = 508;
const CIRCLE =
  'This request comes from a server that leads back to this proxy: proxies name each other in a circle. Take one of the entries out of its config.';
/** The only revision that had batches. */
const BATCH_REVISION = '2025-03-26';

export interface HttpEndpointOptions extends HttpSessionsOptions {
  /** How tools are listed where the URL does not say. */
  readonly list?: ListMode | undefined;
}

export class HttpEndpoint {
  readonly #options: HttpEndpointOptions;
  readonly #sessions: HttpSessions;
  readonly #modern: ModernEndpoint;

  constructor(options: HttpEndpointOptions) {
    this.#options = options;
    this.#sessions = new HttpSessions(options);
    this.#modern = new ModernEndpoint(options);
  }

  get sessions(): number {
    return this.#sessions.size;
  }

  handle(exchange: HttpExchange): void {
    const { loopDetection, limits } = this.#options.served;
    if (!loopDetection.admits(exchange.header(VIA))) refuseCircle(exchange, limits.depth);
    else if (exchange.method === 'POST') this.#post(exchange);
    else
      this.#withSession(exchange, (found) => {
        if (exchange.method === 'GET') return found.openStream(exchange.reply);
        this.#sessions.end(found.id, 'the client ended it');
        exchange.reply.empty(200);
      });
  }

  close(): void {
    this.#modern.close();
    this.#sessions.close();
  }

  #post(exchange: HttpExchange): void {
    const { depth, values } = this.#options.served.limits;
    const { body, reply } = exchange;
    const batch = batchTexts(body, values);
    if (batch) return this.#postBatch(exchange, batch);
    const message = readMessage(body, depth, values);
    if (isModern(message, exchange)) return this.#postModern(message, exchange);
    if (message.kind === 'request' && message.method === 'initialize' && !exchange.header(SESSION_HEADER))
      return this.#initialize(message, exchange);
    if (message.kind === 'invalid' && !exchange.header(SESSION_HEADER))
      return refuse(reply, 400, RpcError.of(message.code, message.reason), message.id);
    this.#withSession(exchange, ({ session }) => receive(message, session, reply));
  }

  #initialize(message: Message & { kind: 'request' }, exchange: HttpExchange): void {
    const created = this.#sessions.create(exchange.principal, this.#listOf(exchange));
    if (!created) {
      const why = `Too many sessions: ${this.#sessions.size} are open, and none of them is idle (limits.sessions)`;
      return refuse(exchange.reply, 503, RpcError.of(NO_SESSION, why), message.id);
    }
    exchange.reply.setHeader(SESSION_HEADER, created.id);
    receive(message, created.session, exchange.reply);
  }

  /** The last part of the URL says how tools are listed, or else the proxy's own flag. */
  #listOf({ path }: HttpExchange): ListMode | undefined {
    return listModeNamed(path.slice(path.lastIndexOf('/') + 1)) ?? this.#options.list;
  }

  #postModern(message: Message, exchange: HttpExchange): void {
    const { principal, reply } = exchange;
    const header = (name: string): string | undefined => exchange.header(name);
    // The core protocol has no notification from a modern client over HTTP; cancelling is leaving.
    if (message.kind !== 'request') return reply.empty(202);
    const { id, method, params } = message;
    void this.#modern.request({
      id,
      method,
      params,
      clientId: `modern ${principal}`,
      person: principal,
      list: this.#listOf(exchange),
      responseSink: sinkFor(reply),
      headers: paramFields(exchange.headers),
      checkVersion: () => checkVersion(params, header),
      checkHeaders: (catalog) => {
        checkNames(method, params, header);
        if (method === 'tools/call') checkParams(params, header, catalog);
      },
    });
  }

  /** All answers of a batch go out on one stream. */
  #postBatch(exchange: HttpExchange, texts: readonly string[]): void {
    const { depth, values } = this.#options.served.limits;
    const { reply } = exchange;
    if (!exchange.header(SESSION_HEADER)) return refuseBatch(reply);
    this.#withSession(exchange, ({ session }) => {
      if (session.client.protocolVersion !== BATCH_REVISION) return refuseBatch(reply);
      const messages = texts.map((text) => readMessage(text, depth, values));
      const open = messages.filter(isAnswered).length;
      if (open === 0) {
        for (const message of messages) session.take(message, sinkFor(reply));
        return reply.empty(202);
      }
      const responseSink = batchSink(reply, open);
      for (const message of messages) session.take(message, responseSink);
    });
  }

  #withSession(exchange: HttpExchange, work: (found: HttpSession) => void): void {
    const { reply, method } = exchange;
    const id = exchange.header(SESSION_HEADER);
    const version = exchange.header(VERSION_HEADER);
    if (method !== 'POST' && version !== undefined && eraOf(version) === 'modern')
      return reply.empty(405, { allow: 'POST' });
    if (version !== undefined && eraOf(version) !== 'legacy')
      return refuse(
        reply,
        400,
        RpcError.of(UNSUPPORTED_PROTOCOL_VERSION, `Unsupported protocol version: ${version}`, {
          supported: LEGACY_REVISIONS,
          requested: version,
        }),
      );
    if (id === undefined)
      return refuse(
        reply,
        400,
        RpcError.of(NO_SESSION, 'The header Mcp-Session-Id is missing: initialize first'),
      );
    const found = this.#sessions.find(id, exchange.principal);
    if (found) return work(found);
    refuse(reply, 404, RpcError.of(SESSION_NOT_FOUND, 'Session not found: initialize again'));
  }
}

function receive(message: Message, session: HttpSession['session'], reply: HttpReply): void {
  session.take(message, sinkFor(reply));
  if (message.kind !== 'request' && message.kind !== 'invalid') reply.empty(202);
  // Does nothing where the session has answered the message already.
  else if (message.kind === 'invalid') reply.empty(400);
}

/** The sender gets an answer to the message. */
function isAnswered(message: Message): boolean {
  return message.kind === 'request' || (message.kind === 'invalid' && !message.answer);
}

/** The envelope in the body decides; without one, a header that names a modern revision. */
function isModern(message: Message, exchange: HttpExchange): boolean {
  if (message.kind !== 'request' && message.kind !== 'notification') return false;
  if (claimsModern(message.params)) return true;
  const version = exchange.header(VERSION_HEADER);
  return version !== undefined && eraOf(version) === 'modern';
}

/** The header fields that a tool's schema may name, ours or not: a proxy that does not know a field passes it on. */
function paramFields(headers: HttpExchange['headers']): [string, string][] | undefined {
  let fields: [string, string][] | undefined;
  for (const name in headers) {
    const value = name.startsWith('mcp-param-') ? headers[name] : undefined;
    if (value !== undefined) (fields ??= []).push([name, value]);
  }
  return fields;
}

function sinkFor(reply: HttpReply): ResponseSink {
  return {
    send: (text) => reply.event(text),
    end: (text, status) => reply.end(text, status),
    drop: (text) => reply.end(text),
    onGone: (listener) => reply.onClose((why) => listener(goneCause(why))),
  };
}

function goneCause(why: CloseReason): GoneCause {
  return why === 'server-stops' ? 'proxy-stops' : 'client-gone';
}

function batchSink(reply: HttpReply, answers: number): ResponseSink {
  let open = answers;
  const end = (message: EncodedMessage): void => {
    reply.event(textOf(message));
    if (--open === 0) reply.closeStream();
  };
  return { ...sinkFor(reply), end, drop: end };
}

/** The request has come through this proxy before. */
function refuseCircle({ method, body, reply }: HttpExchange, maxDepth: number): void {
  const message = method === 'POST' ? readMessage(body, maxDepth) : undefined;
  const id = message?.kind === 'request' ? message.id : undefined;
  refuse(reply, LOOP_DETECTED, RpcError.of(INVALID_REQUEST, CIRCLE), id);
}

function refuseBatch(reply: HttpReply): void {
  refuse(reply, 400, RpcError.of(INVALID_REQUEST, 'Batches are not supported'));
}

function refuse(reply: HttpReply, status: number, error: { readonly json: Json }, id?: string): void {
  reply.json(status, encodeErrorText(id, error.json));
}
