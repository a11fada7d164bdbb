/**
 * One downstream server as the proxy sees it: started, greeted, listed, called, restarted, closed.
 *
 * Owns the connection. Belongs either to one client, whose capabilities it is told exactly, or to all of them.
 */
import type { Call, ClientDoor, Era } from '../core/call.ts';
import type { Cancellation } from '../core/cancellation.ts';
import type { Clock } from '../core/clock.ts';
import { METHOD_NOT_FOUND, messageOf, ProxyError, RpcError } from '../core/errors.ts';
import { at, Json } from '../core/json.ts';
import type { Listing } from '../core/listing.ts';
import type { Logger } from '../core/logger.ts';
import type { DownstreamState, DownstreamStatus } from '../core/status.ts';
import type { OpenLink } from '../transport/link.ts';
import { Backoff } from './backoff.ts';
import type { Carriers } from './carriers.ts';
import { Connection, envelopeFor, type IncomingQuestion } from './connection.ts';
import { Elicitations } from './elicitations.ts';
import { headerFields } from './header-fields.ts';
import { greet, type Greeting } from './handshake.ts';
import { Listening } from './listening.ts';
import { cannotTellWho, onlyClientsLatest, put, whoIsAsked } from './questions.ts';
import { answeringQuestions } from './rounds.ts';

/** Lists are asked again at most this often, however often the server says that they changed. */
const REFRESH_PAUSE_MS = 300;
/** Failures in a row after which a server is called critical. */
const CRITICAL_AFTER = 5;

export interface DownstreamOptions {
  /** The config key. */
  readonly server: string;
  readonly carriers: Carriers;
  readonly protocol: string;
  /** Which era the server was found to speak, kept between starts. */
  readonly eras: { get(): Era | undefined; set(era: Era): void };
  readonly greeting: () => Promise<Greeting>;
  /** The one client it belongs to; asked for when needed because it may come after the start. */
  readonly door: () => ClientDoor | undefined;
  readonly connectTimeoutMs: number;
  readonly restart: { readonly enabled: boolean; readonly delayMs: number; readonly maxDelayMs: number };
  readonly limits: { readonly depth: number; readonly tools: number };
  readonly events: DownstreamEvents;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
}

export interface DownstreamEvents {
  /** A new listing is there, or the state changed. */
  changed(): void;
  resourceUpdated(params: Json): void;
  /** A notification about a task, for whoever holds it. */
  taskChanged(method: string, params: Json): void;
  /** A matter that a client was asked to see to elsewhere is done. */
  elicitationCompleted(clientId: string, params: Json): void;
  /** A question came that only a connection per client could have answered. */
  needsOwnConnections(): void;
}

export class Downstream {
  readonly #options: DownstreamOptions;
  readonly #backoff: Backoff;
  #state: DownstreamState = 'stopped';
  #connection: Connection | undefined;
  /** Every carrier that is not gone yet: the one in use, one being greeted, those being ended. */
  readonly #open = new Set<Connection>();
  #starting: Promise<Connection> | undefined;
  #cancelRestart: (() => void) | undefined;
  #listing: Listing | undefined;
  #listening: Listening | undefined;
  #refreshing = false;
  #refreshAgain = false;
  #lastAttempt = -Infinity;
  #lastFailure: { what: string; at: number } | undefined;
  #startMs: number | undefined;
  #restarts = 0;
  #closing: Promise<void> | undefined;
  readonly #inFlight = new Set<Call>();
  readonly #elicitations = new Elicitations();
  readonly #skipped = new Map<string, number>();
  readonly #subscribed = new Map<string, number>();
  #logLevel: string | undefined;

  constructor(options: DownstreamOptions) {
    this.#options = options;
    this.#backoff = new Backoff({ ...options.restart, random: options.random });
  }

  get state(): DownstreamState {
    return this.#state;
  }

  /** What the server offered last; kept while it is down. */
  get listing(): Listing | undefined {
    return this.#listing;
  }

  get status(): DownstreamStatus {
    const { server, clock } = this.#options;
    const agreement = this.#state === 'ready' ? this.#connection?.agreement : undefined;
    return {
      server,
      state: this.#state,
      protocolVersion: agreement?.protocolVersion,
      serverInfo: agreement?.serverInfo,
      startMs: this.#startMs,
      restarts: this.#restarts,
      lastFailure: this.#lastFailure && {
        what: this.#lastFailure.what,
        agoMs: Math.round(clock.now() - this.#lastFailure.at),
      },
      inFlight: this.#inFlight.size,
      skipped: Object.fromEntries(this.#skipped),
    };
  }

  /** Begins; trouble shows in the state and in the log, and is tried again. */
  start(): void {
    this.#begin().catch(() => {
      // Recorded and logged by #begin; nobody waits for this start.
    });
  }

  /** Answers a call under the server's own name; waits for a start under way. */
  async handle(call: Call): Promise<Json> {
    const connection = await this.#ready(call.signal);
    this.#inFlight.add(call);
    try {
      return await answeringQuestions(call, this.#options.server, (one) => connection.call(one));
    } catch (error) {
      this.#elicitations.failed(error, call.client);
      throw error;
    } finally {
      this.#inFlight.delete(call);
    }
  }

  /** Counted: the server is told of the first and the last subscriber only. */
  async subscribe(uri: string): Promise<void> {
    const count = this.#subscribed.get(uri) ?? 0;
    this.#subscribed.set(uri, count + 1);
    if (count > 0) return;
    try {
      await this.#tellSubscription('resources/subscribe', uri);
    } catch (error) {
      this.#subscribed.delete(uri);
      throw error;
    }
  }

  async unsubscribe(uri: string): Promise<void> {
    const count = this.#subscribed.get(uri) ?? 0;
    if (count > 1) this.#subscribed.set(uri, count - 1);
    else if (this.#subscribed.delete(uri)) await this.#tellSubscription('resources/unsubscribe', uri);
  }

  /** The least severe level that any client wants; modern servers are told call by call. */
  setLogLevel(level: string): void {
    if (this.#logLevel === level) return;
    this.#logLevel = level;
    if (this.#state === 'ready' && this.#connection) this.#tellLogLevel(this.#connection);
  }

  rootsChanged(): void {
    if (this.#connection?.agreement.era === 'legacy')
      this.#connection.notify('notifications/roots/list_changed');
  }

  close(): Promise<void> {
    return (this.#closing ??= this.#close());
  }

  async #close(): Promise<void> {
    this.#cancelRestart?.();
    this.#enter('stopping');
    await Promise.all([...this.#open].map((connection) => connection.close()));
    this.#enter('stopped');
  }

  #ready(signal: Cancellation): Promise<Connection> {
    if (this.#state === 'ready' && this.#connection) return Promise.resolve(this.#connection);
    return new Promise((resolve, reject) => {
      const off = signal.onCancel((reason) =>
        reject(this.#unavailable(`the call was cancelled: ${reason}`, 'CANCELLED')),
      );
      this.#joinStart()
        .then(resolve, (error: unknown) => reject(this.#unavailable(messageOf(error))))
        .finally(off);
    });
  }

  /** The start under way, or a new one: a call does not wait for a pause to end, nor does it start a storm. */
  #joinStart(): Promise<Connection> {
    if (this.#starting) return this.#starting;
    if (this.#closing) return Promise.reject(new Error('it is being stopped'));
    const { restart, clock } = this.#options;
    const failedLately = this.#lastFailure !== undefined && clock.now() - this.#lastAttempt < restart.delayMs;
    if (this.#lastFailure && (failedLately || !restart.enabled))
      return Promise.reject(new Error(this.#lastFailure.what));
    return this.#begin();
  }

  #begin(): Promise<Connection> {
    this.#cancelRestart?.();
    this.#cancelRestart = undefined;
    this.#lastAttempt = this.#options.clock.now();
    this.#enter('starting');
    this.#starting = this.#connect().finally(() => {
      this.#starting = undefined;
    });
    return this.#starting;
  }

  async #connect(): Promise<Connection> {
    const { server, clock, eras, log, protocol, carriers, greeting } = this.#options;
    const from = clock.now();
    let connection: Connection | undefined;
    let giveUp: (error: ProxyError) => void = () => {};
    const tooLate = new Promise<never>((_, reject) => (giveUp = reject));
    const stopTimer = clock.after(this.#options.connectTimeoutMs, () => giveUp(this.#connectTimeout()));
    try {
      const greeted = greet({
        server,
        carriers,
        protocol,
        remembered: eras.get(),
        greeting,
        connect: (open) => (connection = this.#connectionOver(open)),
      });
      greeted.catch(() => {
        // Reported through the race below, or too late to matter.
      });
      const ready = await Promise.race([greeted, tooLate]);
      this.#connection = ready;
      if (this.#closing) throw new Error('stopped while it started');
      if (ready.closed) throw new Error('the connection ended right after the handshake');
      eras.set(ready.agreement.era);
      this.#startMs = Math.round(clock.now() - from);
      this.#backoff.succeeded();
      this.#enter('ready');
      log.info(
        { server, protocol: ready.agreement.protocolVersion, ms: this.#startMs },
        'downstream server is ready',
      );
      void this.#afterReady(ready);
      return ready;
    } catch (error) {
      void connection?.close();
      this.#failed(messageOf(error));
      throw error;
    } finally {
      stopTimer();
    }
  }

  async #afterReady(connection: Connection): Promise<void> {
    if (connection.agreement.era === 'modern') {
      const { info, capabilities } = await this.#options.greeting();
      this.#listening = new Listening(connection, envelopeFor({ info, capabilities }), this.#options.clock);
      this.#listening.listen([...this.#subscribed.keys()]);
    } else {
      this.#tellLogLevel(connection);
      for (const uri of this.#subscribed.keys())
        this.#ignoringAnswer(connection.request('resources/subscribe', { uri }), 'resources/subscribe');
    }
    await this.#refresh();
  }

  #connectionOver(open: OpenLink): Connection {
    const { server, limits } = this.#options;
    const connection: Connection = new Connection({
      server,
      open,
      maxDepth: limits.depth,
      maxItems: limits.tools,
      headersFor: (method, name, params) => headerFields(method, name, params, this.#listing),
      events: {
        question: (question) => this.#question(question, connection),
        notification: (method, params, call) => this.#notified(method, params, call, connection),
        odd: (what) => this.#odd(what),
        closed: (error) => this.#lost(connection, error),
      },
    });
    this.#open.add(connection);
    return connection;
  }

  #lost(connection: Connection, error: ProxyError | undefined): void {
    // Its process group may still have to be ended.
    void connection.close().then(() => this.#open.delete(connection));
    if (this.#connection !== connection) return;
    this.#connection = undefined;
    this.#listening = undefined;
    if (!this.#closing) this.#failed(error?.message ?? 'the connection ended');
  }

  /** Records why, and plans the next start: for ever, with pauses that grow. */
  #failed(what: string): void {
    const { restart, server, log, clock } = this.#options;
    if (this.#closing) return;
    this.#lastFailure = { what, at: clock.now() };
    const delayMs = Math.round(this.#backoff.failed());
    const critical = this.#backoff.failures >= CRITICAL_AFTER || !restart.enabled;
    log.warn(
      { server, why: what, ...(restart.enabled && { restartInMs: delayMs }) },
      'downstream server failed',
    );
    this.#enter(critical ? 'critical' : 'unhealthy');
    if (!restart.enabled) return;
    this.#cancelRestart = clock.after(delayMs, () => {
      this.#restarts++;
      this.start();
    });
  }

  #enter(state: DownstreamState): void {
    if (this.#state === state || (this.#closing && state !== 'stopping' && state !== 'stopped')) return;
    this.#state = state;
    this.#options.events.changed();
  }

  async #refresh(): Promise<void> {
    if (this.#refreshing) {
      this.#refreshAgain = true;
      return;
    }
    this.#refreshing = true;
    const connection = this.#connection;
    try {
      const { info, capabilities } = await this.#options.greeting();
      if (connection && !connection.closed) {
        const listing = await connection.list({ info, capabilities });
        if (this.#connection === connection) {
          this.#listing = listing;
          this.#options.events.changed();
        }
      }
    } catch (error) {
      this.#options.log.warn({ server: this.#options.server, why: messageOf(error) }, 'listing failed');
    }
    this.#options.clock.after(REFRESH_PAUSE_MS, () => {
      this.#refreshing = false;
      if (!this.#refreshAgain) return;
      this.#refreshAgain = false;
      void this.#refresh();
    });
  }

  #notified(method: string, params: Json, call: Call | undefined, connection: Connection): void {
    switch (method) {
      case 'notifications/tools/list_changed':
      case 'notifications/prompts/list_changed':
      case 'notifications/resources/list_changed':
        void this.#refresh();
        return;
      case 'notifications/subscriptions/acknowledged':
        return;
      case 'notifications/resources/updated':
        this.#options.events.resourceUpdated(params);
        return;
      case 'notifications/tasks/status':
      case 'notifications/tasks':
        this.#options.events.taskChanged(method, params);
        return;
      case 'notifications/elicitation/complete':
        this.#elicitationCompleted(params);
        return;
      default:
        this.#relayNotification(method, params, call, connection);
    }
  }

  /** Anything else, log messages above all: to the call whose it is, else to the only client it can be for. */
  #relayNotification(method: string, params: Json, call: Call | undefined, connection: Connection): void {
    const about = call ?? onlyClientsLatest(connection.calls);
    const door = this.#options.door();
    if (about?.onNotification) about.onNotification(method, params);
    else if (door) door.notify(method, params);
    else this.#odd(`${method} that belongs to no one client`);
  }

  #question(incoming: IncomingQuestion, connection: Connection): Promise<Json> {
    const { server } = this.#options;
    const { method, params, call, signal, onProgress } = incoming;
    const asked = whoIsAsked({ call, calls: connection.calls, door: this.#options.door() });
    if (asked) {
      this.#elicitations.asked(method, params, asked.client);
      return put(asked, { method, params, server, signal, onProgress });
    }
    this.#options.events.needsOwnConnections();
    return Promise.reject(cannotTellWho(method, server));
  }

  #elicitationCompleted(params: Json): void {
    const clientId = this.#elicitations.completed(params);
    if (clientId === undefined) this.#odd('the completion of an elicitation that nobody was shown');
    else this.#options.events.elicitationCompleted(clientId, params);
  }

  async #tellSubscription(method: string, uri: string): Promise<void> {
    if (this.#listening) this.#listening.listen([...this.#subscribed.keys()]);
    else if (this.#state === 'ready') await this.#connection?.request(method, { uri });
  }

  #tellLogLevel(connection: Connection): void {
    const { era, capabilities } = connection.agreement;
    if (this.#logLevel === undefined || era !== 'legacy' || at(capabilities, 'logging') === undefined) return;
    this.#ignoringAnswer(
      connection.request('logging/setLevel', { level: this.#logLevel }),
      'logging/setLevel',
    );
  }

  #ignoringAnswer(answer: Promise<Json>, method: string): void {
    answer.catch((error: unknown) => {
      if (error instanceof RpcError && error.code === METHOD_NOT_FOUND) return;
      this.#options.log.warn(
        { server: this.#options.server, method, why: messageOf(error) },
        'request failed',
      );
    });
  }

  #odd(what: string): void {
    const count = (this.#skipped.get(what) ?? 0) + 1;
    // Kinds are few; texts that vary without end would be a leak.
    if (count === 1 && this.#skipped.size >= 100) return;
    this.#skipped.set(what, count);
    if (count === 1) this.#options.log.warn({ server: this.#options.server, what }, 'skipped');
  }

  #unavailable(
    why: string,
    code: 'DOWNSTREAM_UNAVAILABLE' | 'CANCELLED' = 'DOWNSTREAM_UNAVAILABLE',
  ): ProxyError {
    const { server } = this.#options;
    const message = why.includes(`"${server}"`) ? why : `"${server}" is not available: ${why}.`;
    return new ProxyError(code, { message, server, delivered: false });
  }

  #connectTimeout(): ProxyError {
    const { server, connectTimeoutMs } = this.#options;
    return new ProxyError('TIMEOUT', {
      message: `"${server}" did not answer the handshake within ${connectTimeoutMs} ms (connectTimeoutMs).`,
      server,
      delivered: false,
    });
  }
}

