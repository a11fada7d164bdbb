/**
 * One client of a legacy revision, from `initialize` to its end.
 *
 * Ids, tokens, log level, subscriptions and questions are this client's own: nothing is shared.
 */
import type { Catalog } from '../../catalog/catalog.ts';
import { answerOf, asyncHandler } from '../../core/answer.ts';
import type { AskClient, Call, Client, Handler } from '../../core/call.ts';
import { Cancellation, type Cause, unlessCancelled } from '../../core/cancellation.ts';
import { INVALID_PARAMS, INVALID_REQUEST, messageOf, ProxyError, RpcError } from '../../core/errors.ts';
import { InFlight } from '../../protocol/in-flight.ts';
import { at, EMPTY_OBJECT, isObject, Json, type JsonObject, stringAt } from '../../json/json.ts';
import { editObject } from '../../json/edit.ts';
import type { ListMode } from '../../core/list-mode.ts';
import type { ListKind } from '../../core/listing.ts';
import type { Logger } from '../../core/logger.ts';
import {
  encodeErrorText,
  type IdText,
  type Invalid,
  type Message,
  notificationText,
} from '../../protocol/message.ts';
import { TOLD_TOO_MUCH, tellsTooMuch } from '../../protocol/client-capabilities.ts';
import { cancelledId, nameOf, progressTokenOf } from '../../protocol/params.ts';
import { Peer } from '../../protocol/peer.ts';
import { eraOf, LATEST_LEGACY, LOG_LEVELS, TASKS_EXTENSION } from '../../protocol/revisions.ts';
import { announcedCapabilities } from '../announced-capabilities.ts';
import { changedTools, listKind, listPage } from '../lists.ts';
import { wantsLogLevel } from '../log-levels.ts';
import { GONE, type ResponseSink } from '../response-sink.ts';
import type { Attachment, ConnectedClient, ServedProxy } from '../served-proxy.ts';
import { ClientQuestions } from './client-questions.ts';
import { LegacyRequest, type LegacyRequestEvents } from './legacy-request.ts';

export interface LegacySessionOptions {
  readonly served: ServedProxy;
  readonly clientId: string;
  readonly person?: string | undefined;
  /** How its URL or its entry's flag wants tools listed. */
  readonly list?: ListMode | undefined;
  /** Sends messages that belong to no request: on the pipe, or on the session's own stream. */
  readonly channel: (text: string) => void;
  readonly log: Logger;
}

const LIST_CHANGED: Readonly<Record<ListKind, string>> = {
  tools: 'notifications/tools/list_changed',
  prompts: 'notifications/prompts/list_changed',
  resources: 'notifications/resources/list_changed',
  resourceTemplates: 'notifications/resources/list_changed',
};

export class LegacySession implements ConnectedClient {
  readonly #options: LegacySessionOptions;
  readonly #peer: Peer<ResponseSink>;
  readonly #questions: ClientQuestions;
  readonly #inProgress = new InFlight<LegacyRequest>();
  #lastNumber = 0;
  readonly #subscriptions = new Set<string>();
  readonly ask: AskClient;
  #client: Client;
  #attachment: Attachment | undefined;
  #handshakeDone = false;
  /** The exposure is decided with the first list. */
  #isExposureOpen = false;

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
    this.#questions = new ClientQuestions(this.#peer);
    this.ask = (question) => this.#questions.askLater(question, options.channel);
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
    // Before the end of its handshake a client has listed nothing yet.
    if (!this.#handshakeDone) return;
    const isSearched = this.#client.exposure?.list === 'search';
    const told = isSearched ? kinds.filter((kind) => kind !== 'tools') : kinds;
    for (const method of new Set(told.map((kind) => LIST_CHANGED[kind])))
      this.#options.channel(notificationText(method, undefined));
  }

  resourceUpdated(params: Json): void {
    this.#options.channel(notificationText('notifications/resources/updated', params));
  }

  /** The client is gone, or the proxy stops: cancels what the client waits for. */
  end(reason: string, cause: Cause): void {
    for (const { call } of this.#inProgress.values()) call.signal.cancel(reason, cause);
    this.#questions.end();
    const attachment = this.#attachment;
    for (const uri of this.#subscriptions)
      attachment?.unsubscribe(uri).catch((error: unknown) => {
        this.#options.log.warn({ why: messageOf(error) }, 'could not unsubscribe');
      });
    attachment?.detach();
  }

  #request(id: IdText, method: string, params: Json, responseSink: ResponseSink): void {
    // Some clients never say that they are ready.
    if (!this.#questions.open && this.#attachment && method !== 'ping') this.#questions.handshakeDone();
    const signal = new Cancellation();
    const call = this.#callFor(method, params, signal, responseSink);
    const number = (this.#lastNumber = this.#inProgress.idAfter(this.#lastNumber));
    const request = new LegacyRequest(id, call, number, responseSink, this.#events);
    this.#inProgress.set(number, request);
    responseSink.onGone((cause) => signal.cancel(GONE[cause], cause));
    const handle = this.#attachment && method === 'tools/call' ? this.#options.served.handle : this.#handle;
    answerOf(handle, call).through(request);
  }

  readonly #events: LegacyRequestEvents = {
    ended: (number) => void this.#inProgress.delete(number),
    failed: (error, { method }) => {
      if (!(error instanceof RpcError || error instanceof ProxyError))
        this.#options.log.error({ err: error, method }, 'a call failed inside the proxy');
    },
  };

  /** The handler of all requests that the session answers itself, or has to see first. */
  readonly #handle: Handler = asyncHandler(async (call) => {
    const { method, params } = call;
    if (method === 'ping') return EMPTY_OBJECT;
    if (method === 'initialize') return this.#initialize(params, call.signal);
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
  });

  async #initialize(params: Json, signal: Cancellation): Promise<Json> {
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
    const catalog = await unlessCancelled(this.#attachment.greetingCatalog(), signal);
    await this.#decideExposure(catalog, this.#attachment.complete);
    const instructions = await this.#instructions(catalog);
    return Json.of({
      protocolVersion: this.#client.protocolVersion,
      capabilities: legacyCapabilities(announcedCapabilities(catalog, this.#attachment.complete)),
      serverInfo: this.#options.served.info,
      ...(instructions !== undefined && { instructions }),
    });
  }

  /** Once for the session; with its first list, where the handshake comes too early to tell. */
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
      ask: (question) => this.#questions.ask(question, (text) => responseSink.send(text), signal),
    };
  }

  #notified(method: string, params: Json): void {
    if (method === 'notifications/cancelled') {
      const id = cancelledId(params);
      // Two requests may have one id: the later one is meant.
      const named = this.#inProgress.latest((one) => one.id === id);
      named?.call.signal.cancel(
        stringAt(params.value, 'reason') ?? 'the client cancelled it',
        'client-cancelled',
      );
    } else if (method === 'notifications/roots/list_changed') this.#attachment?.rootsChanged();
    else if (method === 'notifications/initialized') {
      this.#handshakeDone = true;
      this.#questions.handshakeDone();
    } else this.#options.log.debug({ method }, 'skipped a notification of the client');
  }

  #invalid(message: Invalid, responseSink: ResponseSink): void {
    this.#options.log.warn({ why: message.reason }, 'the client sent a message that cannot be used');
    if (!message.answer)
      responseSink.end(encodeErrorText(message.id, RpcError.of(message.code, message.reason).json), 400);
  }
}

/** The modern tasks extension has another wire form than the legacy era's tasks. */
function legacyCapabilities({ extensions, ...rest }: JsonObject): JsonObject {
  if (!isObject(extensions)) return rest;
  const { [TASKS_EXTENSION]: _tasks, ...others } = extensions;
  return Object.keys(others).length > 0 ? { ...rest, extensions: others } : rest;
}
