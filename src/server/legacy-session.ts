/**
 * One client of a legacy revision, from `initialize` to its end.
 *
 * Ids, tokens, log level, subscriptions and questions are this client's own: nothing of it is shared.
 */
import { answerOf, type AnswerStep, unhandled } from '../core/answer.ts';
import type { AskClient, Call, Client, Handler, Question } from '../core/call.ts';
import { Cancellation, type Cause } from '../core/cancellation.ts';
import { INVALID_PARAMS, INVALID_REQUEST, messageOf, ProxyError, RpcError } from '../core/errors.ts';
import type { ListMode } from '../core/list-mode.ts';
import { InFlight } from '../core/in-flight.ts';
import { at, EMPTY_OBJECT, isObject, Json, type JsonObject, stringAt } from '../json/json.ts';
import { editAt, editObject } from '../json/edit.ts';
import type { ListKind } from '../core/listing.ts';
import type { Logger } from '../core/logger.ts';
import { unlessCancelled } from '../core/unless-cancelled.ts';
import type { EncodedMessage } from '../json/message-text.ts';
import {
  encodeErrorText,
  type IdText,
  type Invalid,
  type Message,
  notificationText,
  requestText,
  encodeResult,
} from '../protocol/message.ts';
import { TOLD_TOO_MUCH, tellsTooMuch } from '../protocol/client-capabilities.ts';
import { cancelledId, nameOf, progressTokenOf } from '../protocol/params.ts';
import { Peer } from '../protocol/peer.ts';
import { eraOf, LATEST_LEGACY, LOG_LEVELS, TASKS_EXTENSION } from '../protocol/revisions.ts';
import { announcedCapabilities } from './announced-capabilities.ts';
import { legacyError, legacyResult } from './answers.ts';
import { changedTools, listKind, listPage } from './lists.ts';
import { wantsLogLevel } from './log-levels.ts';
import { GONE, type ResponseSink } from './response-sink.ts';
import type { Catalog } from '../catalog/catalog.ts';
import type { Attachment, ConnectedClient, ServedProxy } from './served-proxy.ts';

export interface LegacySessionOptions {
  readonly served: ServedProxy;
  readonly clientId: string;
  readonly person?: string | undefined;
  /** How its URL or its entry's flag wants tools listed. */
  readonly list?: ListMode | undefined;
  /** For what belongs to no request: the pipe, or the session's own stream. */
  readonly channel: (text: string) => void;
  readonly log: Logger;
}

const LIST_CHANGED: Readonly<Record<ListKind, string>> = {
  tools: 'notifications/tools/list_changed',
  prompts: 'notifications/prompts/list_changed',
  resources: 'notifications/resources/list_changed',
  resourceTemplates: 'notifications/resources/list_changed',
};

interface AnsweringEnds {
  over(number: number): void;
  failed(error: unknown, call: Call): void;
}

/** A request of the client until it is answered. */
class Answering implements AnswerStep {
  readonly id: IdText;
  readonly call: Call;
  /** Ours for it: a client may use its own twice. */
  readonly #number: number;
  readonly #responseSink: ResponseSink;
  readonly #ends: AnsweringEnds;

  constructor(id: IdText, call: Call, number: number, responseSink: ResponseSink, ends: AnsweringEnds) {
    this.id = id;
    this.call = call;
    this.#number = number;
    this.#responseSink = responseSink;
    this.#ends = ends;
  }

  onResult(result: Json): Json {
    try {
      this.#end(encodeResult(this.id, legacyResult(result)));
    } catch (failure) {
      unhandled(failure);
    }
    return result;
  }

  onError(error: unknown): never {
    try {
      this.#ends.failed(error, this.call);
      this.#end(legacyError(this.id, this.call, error));
    } catch (failure) {
      unhandled(failure);
    }
    throw error;
  }

  #end(message: EncodedMessage): void {
    this.#ends.over(this.#number);
    if (this.call.signal.cancelled) this.#responseSink.drop(message);
    else this.#responseSink.end(message);
  }
}

export class LegacySession implements ConnectedClient {
  readonly #options: LegacySessionOptions;
  readonly #peer: Peer<ResponseSink>;
  readonly #inProgress = new InFlight<Answering>();
  #lastNumber = 0;
  readonly #subscriptions = new Set<string>();
  readonly ask: AskClient;
  #client: Client;
  #attachment: Attachment | undefined;
  #handshakeDone = false;
  #isExposureOpen = false;
  #ended = false;
  /** Those who want to ask a client that is still being greeted; `undefined` once it is. */
  #waitToAsk: Set<() => void> | undefined = new Set();

  constructor(options: LegacySessionOptions) {
    this.#options = options;
    this.#client = {
      id: options.clientId,
      view: options.clientId,
      era: 'legacy',
      protocolVersion: LATEST_LEGACY,
      info: undefined,
      capabilities: {},
      logLevel: undefined,
      person: options.person,
      exposure: undefined,
    };
    this.#peer = new Peer<ResponseSink>({
      name: 'the client',
      maxDepth: options.served.limits.depth,
      maxValues: options.served.limits.values,
      events: {
        request: (id, method, params, responseSink) => this.#request(id, method, params, responseSink),
        notification: (method, params) => this.#notified(method, params),
        invalid: (message, responseSink) => this.#invalid(message, responseSink),
        stray: (what) => options.log.debug({ what }, 'skipped a message of the client'),
      },
    });
    this.ask = async (question) => {
      if (this.#waitToAsk) await this.#askable(this.#waitToAsk, question.signal);
      return this.#put(question, options.channel);
    };
  }

  get client(): Client {
    return this.#client;
  }

  get initialized(): boolean {
    return this.#attachment !== undefined;
  }

  /** The session is doing something for the client. */
  get busy(): boolean {
    return this.#inProgress.size > 0;
  }

  take(message: Message, responseSink: ResponseSink): void {
    this.#peer.take(message, responseSink);
  }

  notify(method: string, params: Json): void {
    if (wantsLogLevel(method, params, this.#client.logLevel))
      this.#options.channel(notificationText(method, params));
  }

  listsChanged(kinds: readonly ListKind[]): void {
    // A client that is still being greeted has listed nothing yet.
    if (!this.#handshakeDone) return;
    const isSearched = this.#client.exposure?.list === 'search';
    const told = isSearched ? kinds.filter((kind) => kind !== 'tools') : kinds;
    for (const method of new Set(told.map((kind) => LIST_CHANGED[kind])))
      this.#options.channel(notificationText(method, undefined));
  }

  resourceUpdated(params: Json): void {
    this.#options.channel(notificationText('notifications/resources/updated', params));
  }

  /** The client is gone, or the proxy is about to be: what it waits for is cancelled. */
  end(reason: string, cause: Cause): void {
    for (const { call } of this.#inProgress.values()) call.signal.cancel(reason, cause);
    this.#peer.failAll(this.#gone());
    this.#ended = true;
    this.#mayBeAskedNow();
    const attachment = this.#attachment;
    for (const uri of this.#subscriptions)
      attachment?.unsubscribe(uri).catch((error: unknown) => {
        this.#options.log.warn({ why: messageOf(error) }, 'could not unsubscribe');
      });
    attachment?.detach();
  }

  #request(id: IdText, method: string, params: Json, responseSink: ResponseSink): void {
    // Some clients never say that they are ready.
    if (this.#waitToAsk && this.#attachment && method !== 'ping') this.#mayBeAskedNow();
    const signal = new Cancellation();
    const call = this.#callFor(method, params, signal, responseSink);
    const number = (this.#lastNumber = this.#inProgress.idAfter(this.#lastNumber));
    const answering = new Answering(id, call, number, responseSink, this.#ends);
    this.#inProgress.set(number, answering);
    responseSink.onGone((cause) => signal.cancel(GONE[cause], cause));
    const handle = this.#attachment && method === 'tools/call' ? this.#options.served.handle : this.#handle;
    answerOf(handle, call).through(answering);
  }

  readonly #ends: AnsweringEnds = {
    over: (number) => void this.#inProgress.delete(number),
    failed: (error, { method }) => {
      if (!(error instanceof RpcError || error instanceof ProxyError))
        this.#options.log.error({ err: error, method }, 'a call failed inside the proxy');
    },
  };

  /** What the session answers by itself, and what it has to see first. */
  readonly #handle: Handler = async (call) => {
    const { method, params } = call;
    if (method === 'ping') return EMPTY_OBJECT;
    if (method === 'initialize') return this.#initialize(params);
    const { served } = this.#options;
    const attachment = this.#attachment;
    if (!attachment) throw RpcError.of(INVALID_REQUEST, `${method} before initialize`);
    const kind = listKind(method);
    if (kind) {
      const catalog = await unlessCancelled(attachment.settledCatalog(kind), call.signal);
      if (this.#isExposureOpen) await this.#decideExposure(catalog, true);
      const changed = kind === 'tools' ? await changedTools(served, this.#client, catalog) : undefined;
      const { metaTools, pageSize } = served;
      const page = { kind, catalog, metaTools, changedTools: changed, pageSize, params };
      return listPage({ ...page, legacy: true, head: '' });
    }
    if (method === 'logging/setLevel') return this.#setLevel(params, attachment);
    if (method === 'resources/subscribe') return this.#subscribe(call.name, attachment);
    if (method === 'resources/unsubscribe') return this.#unsubscribe(call.name, attachment);
    return served.handle(call);
  };

  async #initialize(params: Json): Promise<Json> {
    if (this.#attachment) throw RpcError.of(INVALID_REQUEST, 'initialize came twice');
    const asked = stringAt(params.value, 'protocolVersion') ?? '';
    const capabilities = at(params.value, 'capabilities');
    const info = at(params.value, 'clientInfo');
    if (tellsTooMuch(params, capabilities, info)) throw RpcError.of(INVALID_PARAMS, TOLD_TOO_MUCH);
    this.#client = {
      ...this.#client,
      protocolVersion: eraOf(asked) === 'legacy' ? asked : LATEST_LEGACY,
      info: isObject(info) ? info : undefined,
      capabilities: isObject(capabilities) ? capabilities : {},
    };
    this.#attachment = this.#options.served.attach(this);
    const catalog = await this.#attachment.greetingCatalog();
    await this.#decideExposure(catalog, this.#attachment.complete);
    const instructions = await this.#instructions(catalog);
    return Json.of({
      protocolVersion: this.#client.protocolVersion,
      capabilities: legacyCapabilities(announcedCapabilities(catalog, this.#attachment.complete)),
      serverInfo: this.#options.served.info,
      ...(instructions !== undefined && { instructions }),
    });
  }

  /** Once for the session; with its first list, where the greeting comes too early to tell. */
  async #decideExposure(catalog: Catalog, complete: boolean): Promise<void> {
    const { served, list } = this.#options;
    const exposure = await served.exposures.ofSession(this.#client, list, { catalog, complete });
    this.#isExposureOpen = exposure === 'later';
    if (exposure !== 'later') this.#client = { ...this.#client, exposure };
  }

  async #instructions({ instructions }: Catalog): Promise<string | undefined> {
    if (this.#client.exposure === undefined) return instructions;
    return (await this.#options.served.exposures.context()).instructions(this.#client, instructions);
  }

  #setLevel(params: Json, attachment: Attachment): Json {
    const level = stringAt(params.value, 'level') ?? '';
    if (!LOG_LEVELS.includes(level))
      throw RpcError.of(INVALID_PARAMS, `Unknown log level; expected one of ${LOG_LEVELS.join(', ')}`);
    this.#client = { ...this.#client, logLevel: level };
    attachment.setLogLevel(level);
    return EMPTY_OBJECT;
  }

  async #subscribe(uri: string, attachment: Attachment): Promise<Json> {
    if (this.#subscriptions.has(uri)) return EMPTY_OBJECT;
    await attachment.subscribe(uri);
    this.#subscriptions.add(uri);
    return EMPTY_OBJECT;
  }

  async #unsubscribe(uri: string, attachment: Attachment): Promise<Json> {
    if (this.#subscriptions.delete(uri)) await attachment.unsubscribe(uri);
    return EMPTY_OBJECT;
  }

  #callFor(method: string, params: Json, signal: Cancellation, responseSink: ResponseSink): Call {
    const progressToken = progressTokenOf(params);
    return {
      method,
      name: nameOf(method, params) ?? '',
      params,
      client: this.#client,
      signal,
      onProgress:
        progressToken === undefined
          ? undefined
          : (progress) => {
              const json = progress.edit((text) => editObject(text, { progressToken }));
              responseSink.send(notificationText('notifications/progress', json));
            },
      onNotification: (name, json) => {
        if (wantsLogLevel(name, json, this.#client.logLevel)) responseSink.send(notificationText(name, json));
      },
      ask: (question) => this.#put(question, (text) => responseSink.send(text), signal),
    };
  }

  /** Nothing but a ping may reach a client before it has been greeted. */
  async #askable(waiting: Set<() => void>, signal: Cancellation): Promise<void> {
    await new Promise<void>((resolve) => {
      waiting.add(resolve);
      signal.onCancel(() => resolve());
    });
    if (this.#ended || signal.cancelled) throw this.#gone();
  }

  #mayBeAskedNow(): void {
    const waiting = this.#waitToAsk;
    this.#waitToAsk = undefined;
    for (const go of waiting ?? []) go();
  }

  /** Puts a question to the client and waits for its answer; withdraws it when it is no longer wanted. */
  async #put(question: Question, send: (text: string) => void, call?: Cancellation): Promise<Json> {
    const { method, params, signal, onProgress } = question;
    const id = this.#peer.nextId();
    const answer = this.#peer.answerTo(id, { onProgress });
    const asked = onProgress
      ? params.edit((text) => editAt(text, ['_meta', 'progressToken'], () => String(id)))
      : params;
    send(requestText(id, method, asked));
    const withdraw = (reason: string): void => {
      if (this.#peer.fail(id, this.#gone()))
        send(notificationText('notifications/cancelled', Json.of({ requestId: id, reason })));
    };
    const off = signal.onCancel(withdraw);
    const offCall = call?.onCancel(withdraw);
    try {
      return await answer;
    } finally {
      off();
      offCall?.();
    }
  }

  #notified(method: string, params: Json): void {
    if (method === 'notifications/cancelled') {
      const id = cancelledId(params);
      // Of two requests with one id the later one.
      const named = this.#inProgress.latest((one) => one.id === id);
      named?.call.signal.cancel(
        stringAt(params.value, 'reason') ?? 'the client cancelled it',
        'client-cancelled',
      );
    } else if (method === 'notifications/roots/list_changed') this.#attachment?.rootsChanged();
    else if (method === 'notifications/initialized') {
      this.#handshakeDone = true;
      this.#mayBeAskedNow();
    } else this.#options.log.debug({ method }, 'skipped a notification of the client');
  }

  #invalid(message: Invalid, responseSink: ResponseSink): void {
    this.#options.log.warn({ why: message.reason }, 'the client sent a message that cannot be used');
    if (!message.answer)
      responseSink.end(encodeErrorText(message.id, RpcError.of(message.code, message.reason).json), 400);
  }

  #gone(): ProxyError {
    return new ProxyError('CANCELLED', { message: 'The question was withdrawn.', delivered: 'unknown' });
  }
}

/** What a legacy client is told: the modern tasks extension has another wire form. */
function legacyCapabilities({ extensions, ...rest }: JsonObject): JsonObject {
  if (!isObject(extensions)) return rest;
  const { [TASKS_EXTENSION]: _tasks, ...others } = extensions;
  return Object.keys(others).length > 0 ? { ...rest, extensions: others } : rest;
}
