/** The modern era's endpoint: every request stands for itself, and its envelope says who asks. */
import type { Catalog } from '../../catalog/catalog.ts';
import { answerOf } from '../../core/answer.ts';
import type { Call, Client } from '../../core/call.ts';
import { Cancellation, unlessCancelled } from '../../core/cancellation.ts';
import type { Clock } from '../../core/clock.ts';
import {
  INVALID_PARAMS,
  METHOD_NOT_FOUND,
  MISSING_CLIENT_CAPABILITY,
  ProxyError,
  RpcError,
} from '../../core/errors.ts';
import type { ListMode } from '../../core/list-mode.ts';
import type { Logger } from '../../core/logger.ts';
import { editObject } from '../../json/edit.ts';
import { Json, type JsonObject } from '../../json/json.ts';
import type { EncodedMessage } from '../../json/message-text.ts';
import { covers } from '../../protocol/client-capabilities.ts';
import { encodeErrorText, encodeResult, notificationText, resultText } from '../../protocol/message.ts';
import { cancelledId, nameOf, progressTokenOf } from '../../protocol/params.ts';
import { META_SERVER_INFO, MODERN_REVISIONS, TASKS_EXTENSION } from '../../protocol/revisions.ts';
import { announcedCapabilities } from '../announced-capabilities.ts';
import { modernError, modernResult } from '../answers.ts';
import { changedTools, listKind, listPage } from '../lists.ts';
import { wantsLogLevel } from '../log-levels.ts';
import { GONE, type ResponseSink } from '../response-sink.ts';
import type { ServedProxy } from '../served-proxy.ts';
import { CancellableRequests, type CancellableRequest } from './cancellable-requests.ts';
import type { ModernClient } from './modern-client.ts';
import { ModernClients } from './modern-clients.ts';
import type { PendingCall, Waiter } from './pending-call.ts';
import { PendingCalls } from './pending-calls.ts';
import { clientOfRequest, EnvelopeError, type RequestEnvelope } from './request-envelope.ts';
import { type RequestState, RequestStates, type StateOwner } from './request-state.ts';

/** Milliseconds that a parked call waits for its client's answer, and that a server's sealed state is valid. */
const PARK_MS = 10 * 60_000;

/** The methods that may be answered with questions. */
const ASKING = new Set(['tools/call', 'prompts/get', 'resources/read']);
/** The modern era no longer has these methods; a server behind us may know them all the same. */
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

export interface ModernRequest extends RequestEnvelope, CancellableRequest {
  readonly method: string;
  /** How its URL or its entry's flag wants tools listed. */
  readonly list?: ListMode | undefined;
  readonly responseSink: ResponseSink;
  readonly headers?: Call['headers'];
  /** Compares the transport's headers with the body. @throws EnvelopeError */
  readonly checkHeaders?: ((catalog: Catalog) => void) | undefined;
}

export interface ModernEndpointOptions {
  readonly served: ServedProxy;
  readonly clock: Clock;
  readonly log: Logger;
}

export class ModernEndpoint {
  readonly #options: ModernEndpointOptions;
  readonly #clients: ModernClients;
  readonly #calls: PendingCalls;
  readonly #states: RequestStates;
  readonly #cancellable = new CancellableRequests();
  readonly #stopping = new Cancellation();

  constructor(options: ModernEndpointOptions) {
    const { served, clock } = options;
    this.#options = options;
    this.#clients = new ModernClients(options);
    this.#states = new RequestStates(served.sealer, PARK_MS);
    this.#calls = new PendingCalls({
      clock,
      limits: served.limits,
      parkMs: PARK_MS,
      states: this.#states,
    });
  }

  async request(request: ModernRequest): Promise<void> {
    const { id, method, responseSink } = request;
    let client: Client | undefined;
    try {
      const { exposures } = this.#options.served;
      client = clientOfRequest(request, exposures.ofRequest(request.list, request.person));
      const modernClient = this.#clients.get(client);
      request.checkHeaders?.(modernClient.attachment.catalog);
      await this.#dispatch(request, client, modernClient);
    } catch (error) {
      this.#logOwn(error, method);
      this.#cancellable.forget(request);
      if (error instanceof EnvelopeError) return responseSink.end(encodeErrorText(id, error.rpc.json), 400);
      const { text, status } = modernError(id, { method, capabilities: client?.capabilities ?? {} }, error);
      responseSink.end(text, status);
    }
  }

  /** A client on a pipe cancels a request, or ends a subscription. */
  cancelled(clientId: string, params: Json): void {
    this.#cancellable.cancel(clientId, cancelledId(params));
  }

  /** Ends all subscriptions in good order, and cancels what is under way. */
  close(): void {
    this.#stopping.cancel(GONE['proxy-stops'], 'proxy-stops');
    this.#calls.giveUpAll(GONE['proxy-stops'], 'proxy-stops');
    this.#clients.close();
  }

  async #dispatch(request: ModernRequest, client: Client, modernClient: ModernClient): Promise<void> {
    const { id, method, params, responseSink } = request;
    const kind = listKind(method);
    if (kind) {
      const { served } = this.#options;
      const catalog = await unlessCancelled(modernClient.attachment.settledCatalog(kind), this.#stopping);
      const changed = kind === 'tools' ? await changedTools(served, client, catalog) : undefined;
      const { metaTools, pageSize } = served;
      const head = `"resultType":"complete","ttlMs":${catalog.ttlMs},"cacheScope":"${catalog.cacheScope}",`;
      const page = { kind, catalog, metaTools, changedTools: changed, pageSize, params };
      return responseSink.end(encodeResult(id, listPage({ ...page, legacy: false, head })));
    }
    if (method === 'server/discover')
      return responseSink.end(resultText(id, await this.#discover(client, modernClient)));
    if (method === 'subscriptions/listen') {
      const listening = modernClient.listen(id, params, responseSink, client, {
        opened: (unlisten) => this.#cancellable.add(request, unlisten),
        ended: () => this.#cancellable.forget(request),
      });
      return unlessCancelled(listening, this.#stopping);
    }
    if (TASKS.has(method) && !covers(client.capabilities, TASKS_NEEDED))
      throw new EnvelopeError(tasksMissing());
    if (LEGACY_ONLY.has(method)) throw RpcError.of(METHOD_NOT_FOUND, `Unknown method: ${method}`);
    return this.#call(request, client, modernClient);
  }

  async #discover(client: Client, modernClient: ModernClient): Promise<Json> {
    const catalog = await unlessCancelled(modernClient.attachment.greetingCatalog(), this.#stopping);
    const { exposures } = this.#options.served;
    const instructions =
      client.exposure === undefined
        ? catalog.instructions
        : (await exposures.context()).instructions(client, catalog.instructions);
    return Json.of({
      resultType: 'complete',
      supportedVersions: MODERN_REVISIONS,
      capabilities: modernCapabilities(announcedCapabilities(catalog, modernClient.attachment.complete)),
      ...(instructions !== undefined && { instructions }),
      ttlMs: catalog.ttlMs,
      cacheScope: catalog.cacheScope,
      _meta: { [META_SERVER_INFO]: this.#options.served.info },
    });
  }

  #call(request: ModernRequest, client: Client, modernClient: ModernClient): void {
    const { method, params } = request;
    const name = nameOf(method, params) ?? '';
    const waiter = this.#waiterFor(request, client);
    const owner = { client, method, name };
    const state = this.#openState(params, owner);
    if (state && !('state' in state)) {
      const pending = this.#calls.find(state.call);
      if (!pending) throw invalidState();
      this.#endWithRequest(request, pending, waiter);
      return pending.resume(state.round, params, waiter);
    }
    this.#calls.checkRoom(client.id);
    const pending = this.#calls.begin(owner, waiter, modernClient.began());
    this.#endWithRequest(request, pending, waiter);
    const { onProgress, onNotification, ask } = pending.hooks;
    const call: Call = {
      method,
      name,
      params: state ? withServerState(params, state.state) : params,
      client,
      headers: request.headers,
      signal: pending.signal,
      onProgress: progressTokenOf(params) === undefined ? undefined : onProgress,
      onNotification,
      ask: ASKING.has(method) ? ask : undefined,
    };
    answerOf(this.#options.served.handle, call)
      .on((result) => this.#states.sealWithin(result, owner))
      .end(
        (result) => pending.succeed(result),
        (error) => pending.fail(error),
      );
  }

  /** @throws RpcError where the params carry a state that does not open. */
  #openState(params: Json, owner: StateOwner): RequestState | undefined {
    const sealed = params.at('requestState');
    if (sealed === undefined) return undefined;
    const state = this.#states.open(sealed, owner);
    if (!state) throw invalidState();
    return state;
  }

  #waiterFor(request: ModernRequest, client: Client): Waiter {
    const { id, method, params, responseSink } = request;
    const progressToken = progressTokenOf(params);
    const done = (message: EncodedMessage, status?: number): void => {
      this.#cancellable.forget(request);
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

  /** A request that its client cancels, or whose client is gone, ends the call that waits for it. */
  #endWithRequest(request: ModernRequest, pending: PendingCall, waiter: Waiter): void {
    const { id, responseSink } = request;
    responseSink.onGone((cause) => {
      this.#cancellable.forget(request);
      pending.left(waiter, GONE[cause], cause);
    });
    this.#cancellable.add(request, () => {
      this.#cancellable.forget(request);
      pending.left(waiter, 'the client cancelled it', 'client-cancelled');
      responseSink.drop(encodeErrorText(id, RpcError.of(INVALID_PARAMS, 'cancelled').json));
    });
  }

  #logOwn(error: unknown, method: string): void {
    if (error instanceof RpcError || error instanceof ProxyError || error instanceof EnvelopeError) return;
    this.#options.log.error({ err: error, method }, 'a call failed inside the proxy');
  }
}

/** A modern server gets its own state back; one that gave none gets none. */
function withServerState(params: Json, state: string | null): Json {
  const requestState = state === null ? undefined : JSON.stringify(state);
  return params.edit((text) => editObject(text, { requestState }));
}

function invalidState(): RpcError {
  return RpcError.of(INVALID_PARAMS, 'Invalid or expired requestState');
}

function tasksMissing(): RpcError {
  const message = 'The client did not declare the tasks extension';
  return RpcError.of(MISSING_CLIENT_CAPABILITY, message, { requiredCapabilities: TASKS_NEEDED });
}

/** Tasks of the core protocol are the legacy era's. */
function modernCapabilities({ tasks: _tasks, ...rest }: JsonObject): JsonObject {
  return rest;
}
