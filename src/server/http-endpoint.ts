/** The face over HTTP: legacy sessions and modern requests on the same path, told apart by each request itself. */
import type { Clock } from '../core/clock.ts';
import { INVALID_REQUEST, RpcError, UNSUPPORTED_PROTOCOL_VERSION } from '../core/errors.ts';
import { VIA } from '../core/loop-detection.ts';
import { listModeNamed, type ListMode } from '../core/list-mode.ts';
import type { Json } from '../json/json.ts';
import type { Logger } from '../core/logger.ts';
import { textOf, type EncodedMessage } from '../json/message-text.ts';
import { batchTexts, encodeErrorText, type Message, readMessage } from '../protocol/message.ts';
import { eraOf, LEGACY_REVISIONS } from '../protocol/revisions.ts';
import type { CloseReason, HttpReply } from '../transport/http-server/reply.ts';
import type { HttpExchange } from '../transport/http-server/request-handler.ts';
import { checkNames, checkParams, checkVersion } from './header-check.ts';
import { type HttpSession, HttpSessions, type HttpSessionsOptions } from './http-sessions.ts';
import { claimsModern, ModernEndpoint } from './modern-endpoint.ts';
import type { GoneCause, ResponseSink } from './response-sink.ts';
import type { ServedProxy } from './served-proxy.ts';

const SESSION_HEADER = 'mcp-session-id';
/** What servers of the legacy family answer where a session is missing or unknown. */
const NO_SESSION = -32000;
const SESSION_NOT_FOUND = -32001;
const LOOP_DETECTED = 508;
const CIRCLE =
  'This request comes from a server that leads back to this proxy: proxies name each other in a circle. Take one of the entries out of its config.';

export interface HttpEndpointOptions extends HttpSessionsOptions {
  readonly served: ServedProxy;
  /** How tools are listed where the URL does not say. */
  readonly list?: ListMode | undefined;
  readonly clock: Clock;
  readonly log: Logger;
}

export interface HttpEndpoint {
  handle(exchange: HttpExchange): void;
  readonly sessions: number;
  close(): void;
}

export function createHttpEndpoint(options: HttpEndpointOptions): HttpEndpoint {
  const { served } = options;
  const { depth, values } = served.limits;
  const sessions = new HttpSessions(options);
  const modern = new ModernEndpoint(options);

  return {
    handle(exchange) {
      if (!served.loopDetection.admits(exchange.header(VIA))) refuseCircle(exchange, depth);
      else if (exchange.method === 'POST') post(exchange);
      else
        withSession(exchange, (found) => {
          if (exchange.method === 'GET') return found.openStream(exchange.reply);
          sessions.end(found.id, 'the client ended it');
          exchange.reply.empty(200);
        });
    },
    get sessions() {
      return sessions.size;
    },
    close() {
      modern.close();
      sessions.close();
    },
  };

  function post(exchange: HttpExchange): void {
    const { body, reply } = exchange;
    const batch = batchTexts(body, values);
    if (batch) return postBatch(exchange, batch);
    const message = readMessage(body, depth, values);
    if (isModern(message, exchange)) return postModern(message, exchange);
    if (message.kind === 'request' && message.method === 'initialize' && !exchange.header(SESSION_HEADER))
      return initialize(message, exchange);
    if (message.kind === 'invalid' && !exchange.header(SESSION_HEADER))
      return refuse(reply, 400, RpcError.of(message.code, message.reason), message.id);
    withSession(exchange, ({ session }) => take(message, session, reply));
  }

  /** The last part of the URL says how tools are listed, or the proxy's own flag. */
  function listOf({ path }: HttpExchange): ListMode | undefined {
    return listModeNamed(path.slice(path.lastIndexOf('/') + 1)) ?? options.list;
  }

  function take(message: Message, session: HttpSession['session'], reply: HttpReply): void {
    session.take(message, outletFor(reply));
    if (message.kind !== 'request' && message.kind !== 'invalid') reply.empty(202);
    // Where it was answered already, this does nothing.
    else if (message.kind === 'invalid') reply.empty(400);
  }

  function initialize(message: Message & { kind: 'request' }, exchange: HttpExchange): void {
    const created = sessions.create(exchange.principal, listOf(exchange));
    if (!created) {
      const why = `Too many sessions: ${sessions.size} are open, and none of them is idle (limits.sessions)`;
      return refuse(exchange.reply, 503, RpcError.of(NO_SESSION, why), message.id);
    }
    exchange.reply.setHeader(SESSION_HEADER, created.id);
    take(message, created.session, exchange.reply);
  }

  function postModern(message: Message, exchange: HttpExchange): void {
    const { principal, reply } = exchange;
    const header = (name: string): string | undefined => exchange.header(name);
    // The core protocol has no notification from a modern client over HTTP; cancelling is leaving.
    if (message.kind !== 'request') return reply.empty(202);
    const { id, method, params } = message;
    void modern.request({
      id,
      method,
      params,
      clientId: `modern ${principal}`,
      person: principal,
      list: listOf(exchange),
      responseSink: outletFor(reply),
      headers: paramFields(exchange.headers),
      checkVersion: () => checkVersion(params, header),
      checkCarrier: (catalog) => {
        checkNames(method, params, header);
        if (method === 'tools/call') checkParams(params, header, catalog);
      },
    });
  }

  /** Only one revision had batches: all answers of one go out on one stream. */
  function postBatch(exchange: HttpExchange, texts: readonly string[]): void {
    const { reply } = exchange;
    if (!exchange.header(SESSION_HEADER)) return refuseBatch(reply);
    withSession(exchange, ({ session }) => {
      if (session.client.protocolVersion !== '2025-03-26') return refuseBatch(reply);
      const messages = texts.map((text) => readMessage(text, depth, values));
      const open = messages.filter(isAnswered).length;
      if (open === 0) {
        for (const message of messages) session.take(message, outletFor(reply));
        return reply.empty(202);
      }
      const responseSink = batchOutlet(reply, open);
      for (const message of messages) session.take(message, responseSink);
    });
  }

  function withSession(exchange: HttpExchange, work: (found: HttpSession) => void): void {
    const { reply, method } = exchange;
    const id = exchange.header(SESSION_HEADER);
    const version = exchange.header('mcp-protocol-version');
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
    const found = sessions.find(id, exchange.principal);
    if (found) return work(found);
    refuse(reply, 404, RpcError.of(SESSION_NOT_FOUND, 'Session not found: initialize again'));
  }
}

/** Whether the sender gets an answer to it. */
function isAnswered(message: Message): boolean {
  return message.kind === 'request' || (message.kind === 'invalid' && !message.answer);
}

/** The envelope in the body decides; without one, a header that names a modern revision. */
function isModern(message: Message, exchange: HttpExchange): boolean {
  if (message.kind !== 'request' && message.kind !== 'notification') return false;
  if (claimsModern(message.params)) return true;
  const version = exchange.header('mcp-protocol-version');
  return version !== undefined && eraOf(version) === 'modern';
}

/** What a tool's schema may name, ours or not: who does not know a field passes it on. */
function paramFields(headers: HttpExchange['headers']): [string, string][] | undefined {
  let fields: [string, string][] | undefined;
  for (const name in headers) {
    const value = name.startsWith('mcp-param-') ? headers[name] : undefined;
    if (value !== undefined) (fields ??= []).push([name, value]);
  }
  return fields;
}

function outletFor(reply: HttpReply): ResponseSink {
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

function batchOutlet(reply: HttpReply, answers: number): ResponseSink {
  let open = answers;
  const end = (message: EncodedMessage): void => {
    reply.event(textOf(message));
    if (--open === 0) reply.closeStream();
  };
  return { ...outletFor(reply), end, drop: end };
}

/** A proxy behind us is before us, too. */
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
