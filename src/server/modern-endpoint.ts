/**
 * The modern family's face: every request stands for itself and says who asks and what that client can do.
 */
import { randomUUID } from 'node:crypto';
import type { Catalog } from '../catalog/catalog.ts';
import { answerOf } from '../core/answer.ts';
import type { Call, Client } from '../core/call.ts';
import { Cancellation } from '../core/cancellation.ts';
import type { Clock } from '../core/clock.ts';
import {
  HEADER_MISMATCH,
  INVALID_PARAMS,
  METHOD_NOT_FOUND,
  MISSING_CLIENT_CAPABILITY,
  ProxyError,
  RpcError,
  UNSUPPORTED_PROTOCOL_VERSION,
} from '../core/errors.ts';
import type { ClientExposure, ListMode } from '../core/list-mode.ts';
import { InFlight } from '../core/in-flight.ts';
import { at, isObject, Json, type JsonObject, stringAt } from '../json/json.ts';
import { editObject } from '../json/edit.ts';
import type { Logger } from '../core/logger.ts';
import { wholeNumber } from '../core/whole-number.ts';
import { unlessCancelled } from '../core/unless-cancelled.ts';
import type { EncodedMessage } from '../json/message-text.ts';
import { covers, TOLD_TOO_MUCH, tellsTooMuch } from '../protocol/client-capabilities.ts';
import {
  encodeErrorText,
  type IdText,
  notificationText,
  resultText,
  encodeResult,
} from '../protocol/message.ts';
import { cancelledId, nameOf, progressTokenOf } from '../protocol/params.ts';
import {
  eraOf,
  META_CLIENT_CAPABILITIES,
  META_CLIENT_INFO,
  META_LOG_LEVEL,
  META_PROTOCOL_VERSION,
  META_SERVER_INFO,
  MODERN_REVISIONS,
  TASKS_EXTENSION,
} from '../protocol/revisions.ts';
import { announcedCapabilities } from './announced-capabilities.ts';
import { modernError, modernResult } from './answers.ts';
import { PendingCall, type Waiter } from './pending-call.ts';
import { changedTools, listKind, listPage } from './lists.ts';
import { wantsLogLevel } from './log-levels.ts';
import { ModernClient } from './modern-client.ts';
import { GONE, type ResponseSink } from './response-sink.ts';
import type { ServedProxy } from './served-proxy.ts';

/** How long a parked call waits for its client's answer, and a sealed state of a server's own stays good. */
const PARK_MS = 10 * 60_000;

/** The methods that may answer with questions. */
const ASKING = new Set(['tools/call', 'prompts/get', 'resources/read']);
/** What this family no longer has; a server behind us may have it all the same. */
const LEGACY_ONLY = new Set([
  'initialize',
  'ping',
  'logging/setLevel',
  'resources/subscribe',
  'resources/unsubscribe',
  'tasks/list',
  'tasks/result',
]);
const TASKS = new Set(['tasks/get', 'tasks/update', 'tasks/cancel']);
const TASKS_NEEDED = { extensions: { [TASKS_EXTENSION]: {} } };

export interface ModernRequest {
  readonly id: IdText;
  readonly method: string;
  readonly params: Json;
  readonly clientId: string;
  readonly person?: string | undefined;
  /** How its URL or its entry's flag wants tools listed. */
  readonly list?: ListMode | undefined;
  readonly responseSink: ResponseSink;
  /** The client can name it to end it; elsewhere it leaves instead. */
  readonly cancellable?: boolean;
  readonly headers?: Call['headers'];
  /** What the transport says of the request must agree with its body. @throws a header mismatch */
  readonly checkVersion?: (() => void) | undefined;
  readonly checkCarrier?: ((catalog: Catalog) => void) | undefined;
}

export interface ModernEndpointOptions {
  readonly served: ServedProxy;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Whether params carry the modern envelope, or claim to. */
export function claimsModern(params: Json): boolean {
  return params.at('_meta', META_PROTOCOL_VERSION) !== undefined;
}

export class ModernEndpoint {
  readonly #options: ModernEndpointOptions;
  readonly #clients = new Map<string, ModernClient>();
  readonly #flights = new InFlight<PendingCall>();
  /** States outlive a process, and processes share a key: no other process's flight has the same name. */
  readonly #flightNames = `${randomUUID()} `;
  #lastFlight = 0;
  readonly #stopping = new Cancellation();
  /** How many of them wait for their client, by client. */
  readonly #parked = new Map<string, number>();
  /** What a `notifications/cancelled` can name: by client and id. */
  readonly #cancels = new Map<string, Named>();

  constructor(options: ModernEndpointOptions) {
    this.#options = options;
  }

  async request(request: ModernRequest): Promise<void> {
    const { id, method, responseSink } = request;
    let client: Client | undefined;
    try {
      const exposure = this.#options.served.exposures.ofRequest(request.list, request.person);
      client = clientOf(request, exposure);
      const member = this.#member(client);
      request.checkCarrier?.(member.attachment.catalog);
      await this.#dispatch(request, client, member);
    } catch (error) {
      this.#logOwn(error, method);
      this.#forget(request);
      if (error instanceof EnvelopeError) return responseSink.end(encodeErrorText(id, error.rpc.json), 400);
      const { text, status } = modernError(id, { method, capabilities: client?.capabilities ?? {} }, error);
      responseSink.end(text, status);
    }
  }

  /** stdio: the client cancels a request or ends a subscription. */
  cancelled(clientId: string, params: Json): void {
    this.#cancels.get(cancelKey(clientId, cancelledId(params)))?.end?.();
  }

  /** Ends all subscriptions in good order, and cancels what is under way. */
  close(): void {
    this.#stopping.cancel(GONE['proxy-stops'], 'proxy-stops');
    for (const flight of this.#flights.values()) flight.giveUp(GONE['proxy-stops'], 'proxy-stops');
    for (const client of this.#clients.values()) client.close();
    this.#clients.clear();
  }

  async #dispatch(request: ModernRequest, client: Client, member: ModernClient): Promise<void> {
    const { id, method, params, responseSink } = request;
    const { served } = this.#options;
    const { attachment } = member;
    const kind = listKind(method);
    if (kind) {
      const catalog = await unlessCancelled(attachment.settledCatalog(kind), this.#stopping);
      const changed = kind === 'tools' ? await changedTools(served, client, catalog) : undefined;
      const { metaTools, pageSize } = served;
      const head = `"resultType":"complete","ttlMs":${catalog.ttlMs},"cacheScope":"${catalog.cacheScope}",`;
      return responseSink.end(
        encodeResult(
          id,
          listPage({
            kind,
            catalog,
            metaTools,
            changedTools: changed,
            pageSize,
            params,
            legacy: false,
            head,
          }),
        ),
      );
    }
    if (method === 'server/discover')
      return responseSink.end(resultText(id, await this.#discover(client, member)));
    if (method === 'subscriptions/listen') {
      return member.listen(id, params, responseSink, client, {
        opened: (unlisten) => this.#name(request, unlisten),
        ended: () => this.#forget(request),
      });
    }
    if (TASKS.has(method) && !covers(client.capabilities, TASKS_NEEDED))
      throw new EnvelopeError(tasksMissing());
    if (LEGACY_ONLY.has(method)) throw RpcError.of(METHOD_NOT_FOUND, `Unknown method: ${method}`);
    return this.#call(request, client, member);
  }

  async #discover(client: Client, member: ModernClient): Promise<Json> {
    const catalog = await member.attachment.greetingCatalog();
    const { exposures } = this.#options.served;
    const instructions =
      client.exposure === undefined
        ? catalog.instructions
        : (await exposures.context()).instructions(client, catalog.instructions);
    return Json.of({
      resultType: 'complete',
      supportedVersions: MODERN_REVISIONS,
      capabilities: modernCapabilities(announcedCapabilities(catalog, member.attachment.complete)),
      ...(instructions !== undefined && { instructions }),
      ttlMs: catalog.ttlMs,
      cacheScope: catalog.cacheScope,
      _meta: { [META_SERVER_INFO]: this.#options.served.info },
    });
  }

  #call(request: ModernRequest, client: Client, member: ModernClient): void {
    const { method, params } = request;
    const name = nameOf(method, params) ?? '';
    const waiter = this.#waiterFor(request, client);
    const state = params.at('requestState');
    let sent = params;
    if (state !== undefined) {
      const opened = this.#openState(state, client, method, name);
      if (opened === undefined) throw RpcError.of(INVALID_PARAMS, 'Invalid or expired requestState');
      if ('flight' in opened) {
        const flight = this.#flightNamed(opened.flight);
        if (!flight) throw RpcError.of(INVALID_PARAMS, 'Invalid or expired requestState');
        this.#onGone(request, flight, waiter);
        return flight.resume(opened.round, params, waiter);
      }
      const requestState = opened.state === null ? undefined : JSON.stringify(opened.state);
      sent = params.edit((text) => editObject(text, { requestState }));
    }
    const { limits } = this.#options.served;
    if (this.#flights.size >= limits.calls)
      throw tooMany(`${this.#flights.size} calls of modern clients are under way (limits.calls).`);
    const refusal = this.#parkingRefusal(client.id);
    if (refusal) throw refusal;
    const number = (this.#lastFlight = this.#flights.idAfter(this.#lastFlight));
    const landed = member.began();
    const flight = new PendingCall(
      {
        clock: this.#options.clock,
        parkMs: PARK_MS,
        seal: (round) => this.#seal({ flight: this.#flightNames + number, round }, client, method, name),
        ended: () => {
          this.#flights.delete(number);
          landed();
        },
        refusal: () => this.#parkingRefusal(client.id),
        parked: (is) => this.#countParked(client.id, is ? 1 : -1),
      },
      waiter,
    );
    this.#flights.set(number, flight);
    this.#onGone(request, flight, waiter);
    const { onProgress, onNotification, ask } = flight.hooks;
    const call: Call = {
      method,
      name,
      params: sent,
      client,
      headers: request.headers,
      signal: flight.signal,
      onProgress: progressTokenOf(params) === undefined ? undefined : onProgress,
      onNotification,
      ask: ASKING.has(method) ? ask : undefined,
    };
    answerOf(this.#options.served.handle, call)
      .on((result) => this.#sealState(result, client, method, name))
      .end(
        (result) => flight.succeed(result),
        (error) => flight.fail(error),
      );
  }

  #flightNamed(name: string): PendingCall | undefined {
    const number = name.startsWith(this.#flightNames)
      ? wholeNumber(name.slice(this.#flightNames.length))
      : undefined;
    return number === undefined ? undefined : this.#flights.get(number);
  }

  #parkingRefusal(clientId: string): ProxyError | undefined {
    const parked = this.#parked.get(clientId) ?? 0;
    if (parked < this.#options.served.limits.parkedCalls) return undefined;
    return tooMany(`${parked} calls of this client wait for its answers (limits.parkedCalls).`);
  }

  #countParked(clientId: string, by: number): void {
    const count = (this.#parked.get(clientId) ?? 0) + by;
    if (count > 0) this.#parked.set(clientId, count);
    else this.#parked.delete(clientId);
  }

  #waiterFor(request: ModernRequest, client: Client): Waiter {
    const { id, method, params, responseSink } = request;
    const progressToken = progressTokenOf(params);
    const done = (message: EncodedMessage, status?: number): void => {
      this.#forget(request);
      responseSink.end(message, status);
    };
    return {
      progress: (progress) => {
        if (progressToken === undefined) return;
        const json = progress.edit((text) => editObject(text, { progressToken }));
        responseSink.send(notificationText('notifications/progress', json));
      },
      notify: (notification, json) => {
        // Without a level in its envelope a request must not be sent log messages.
        const silent = notification === 'notifications/message' && client.logLevel === undefined;
        if (!silent && wantsLogLevel(notification, json, client.logLevel))
          responseSink.send(notificationText(notification, json));
      },
      result: (result) => done(encodeResult(id, modernResult(method, result))),
      error: (error) => {
        this.#logOwn(error, method);
        const { text, status } = modernError(id, { method, capabilities: client.capabilities }, error);
        done(text, status);
      },
    };
  }

  #onGone(request: ModernRequest, flight: PendingCall, waiter: Waiter): void {
    const { id, responseSink } = request;
    responseSink.onGone((cause) => {
      this.#forget(request);
      flight.left(waiter, GONE[cause], cause);
    });
    this.#name(request, () => {
      this.#forget(request);
      flight.left(waiter, 'the client cancelled it', 'client-cancelled');
      responseSink.drop(encodeErrorText(id, RpcError.of(INVALID_PARAMS, 'cancelled').json));
    });
  }

  #name(request: ModernRequest, end: () => void): void {
    const { clientId, id, cancellable } = request;
    if (cancellable === true) this.#cancels.set(cancelKey(clientId, id), { request, end });
  }

  #forget(request: ModernRequest): void {
    if (request.cancellable !== true) return;
    const key = cancelKey(request.clientId, request.id);
    const named = this.#cancels.get(key);
    if (named?.request !== request) return;
    named.request = named.end = undefined;
    this.#cancels.delete(key);
  }

  #member(client: Client): ModernClient {
    const found = this.#clients.get(client.view);
    if (found) return found.use(client);
    if (this.#clients.size >= this.#options.served.limits.clients && !this.#evict())
      throw tooMany(`${this.#clients.size} clients are at work, and none of them is idle (limits.clients).`);
    const member = new ModernClient({
      ...this.#options,
      client,
      idle: () => this.#clients.delete(client.view),
    });
    this.#clients.set(client.view, member);
    return member;
  }

  /** Makes room: whoever does nothing and came first. @returns false where nobody is idle. */
  #evict(): boolean {
    for (const [view, member] of this.#clients) {
      if (member.busy) continue;
      this.#clients.delete(view);
      member.close();
      return true;
    }
    return false;
  }

  /** A server's own state leaves sealed: its client brings it back, and nobody else's can. */
  #sealState(result: Json, client: Client, method: string, name: string): Json {
    if (result.at('resultType') !== 'input_required') return result;
    const state = result.stringAt('requestState') ?? null;
    const requestState = JSON.stringify(this.#seal({ state }, client, method, name));
    return result.edit((text) => editObject(text, { requestState }));
  }

  #seal(value: SealedState, client: Client, method: string, name: string): string {
    return this.#options.served.sealer.seal(value, statePurpose(client, method, name), PARK_MS);
  }

  #openState(state: unknown, client: Client, method: string, name: string): SealedState | undefined {
    if (typeof state !== 'string') return undefined;
    const opened = this.#options.served.sealer.open(state, statePurpose(client, method, name));
    return isObject(opened) ? (opened as unknown as SealedState) : undefined;
  }

  #logOwn(error: unknown, method: string): void {
    if (error instanceof RpcError || error instanceof ProxyError || error instanceof EnvelopeError) return;
    this.#options.log.error({ err: error, method }, 'a call failed inside the proxy');
  }
}

/**
 * What a client can end by its name. Empty once it is over: a `Map` holds what was in it until the next full collection,
 * and with it the whole request.
 */
interface Named {
  /** Of two requests with one id the later one has the name. */
  request: ModernRequest | undefined;
  end: (() => void) | undefined;
}

/** A parked call and the round it waits in, or a modern server's own state. */
type SealedState = { readonly flight: string; readonly round: number } | { readonly state: string | null };

/** An error that the modern transport answers with 400. */
class EnvelopeError extends Error {
  readonly rpc: RpcError;
  constructor(rpc: RpcError) {
    super(rpc.message);
    this.rpc = rpc;
  }
}

/** For checks of the transport: header fields that do not agree with the body. */
export function headerMismatch(message: string): Error {
  return new EnvelopeError(RpcError.of(HEADER_MISMATCH, message));
}

function clientOf(
  { params, clientId, person, checkVersion }: ModernRequest,
  exposure: ClientExposure | undefined,
): Client {
  const meta = params.at('_meta');
  const protocolVersion = stringAt(meta, META_PROTOCOL_VERSION);
  const capabilities = at(meta, META_CLIENT_CAPABILITIES);
  if (protocolVersion === undefined) throw missing(META_PROTOCOL_VERSION, 'a string');
  checkVersion?.();
  if (eraOf(protocolVersion) !== 'modern')
    throw new EnvelopeError(
      RpcError.of(UNSUPPORTED_PROTOCOL_VERSION, `Unsupported protocol version: ${protocolVersion}`, {
        supported: MODERN_REVISIONS,
        requested: protocolVersion,
      }),
    );
  if (!isObject(capabilities)) throw missing(META_CLIENT_CAPABILITIES, 'an object');
  const info = at(meta, META_CLIENT_INFO);
  if (tellsTooMuch(params, capabilities, info))
    throw new EnvelopeError(RpcError.of(INVALID_PARAMS, TOLD_TOO_MUCH));
  return {
    id: clientId,
    view: `${clientId} ${JSON.stringify(capabilities)}`,
    era: 'modern',
    protocolVersion,
    info: isObject(info) ? info : undefined,
    capabilities,
    logLevel: stringAt(meta, META_LOG_LEVEL),
    person,
    exposure,
  };
}

function missing(key: string, what: string): EnvelopeError {
  return new EnvelopeError(
    RpcError.of(INVALID_PARAMS, `params._meta["${key}"] is missing: expected ${what}`),
  );
}

function tasksMissing(): RpcError {
  const message = 'The client did not declare the tasks extension';
  return RpcError.of(MISSING_CLIENT_CAPABILITY, message, { requiredCapabilities: TASKS_NEEDED });
}

/** What a modern client is told: core tasks are the legacy family's. */
function modernCapabilities({ tasks: _tasks, ...rest }: JsonObject): JsonObject {
  return rest;
}

function statePurpose(client: Client, method: string, name: string): { clientId: string; purpose: string } {
  return { clientId: client.id, purpose: `state ${method} ${name}` };
}

function cancelKey(clientId: string, id: IdText): string {
  return `${clientId} ${id}`;
}

function tooMany(message: string): ProxyError {
  return new ProxyError('BUSY', { message, delivered: false });
}
