/**
 * One downstream server as the proxy sees it: started, greeted, listed, called, watched over, closed.
 *
 * Owns the connection. Belongs either to one client, whose capabilities it is told exactly, or to all of them.
 */
import { Answer } from '../core/answer.ts';
import type { Call, Client, ClientHandle } from '../core/call.ts';
import type { Clock } from '../core/clock.ts';
import { HEADER_MISMATCH, INTERNAL_ERROR, ProxyError, RpcError } from '../core/errors.ts';
import { Idle } from '../core/idle.ts';
import { at, type Json } from '../json/json.ts';
import type { Listing, ListingMemory } from '../core/listing.ts';
import type { Logger } from '../core/logger.ts';
import type { DownstreamState, DownstreamStatus } from '../core/status.ts';
import { capabilityFor, covers } from '../protocol/client-capabilities.ts';
import { SessionLost } from '../transport/http-client/errors.ts';
import type { OpenLink } from '../transport/link.ts';
import { Attempt, type AttemptEnds, Delivery, type SendAgain } from './attempt.ts';
import type { Transports } from './transports.ts';
import type { ConnectionLimits } from './connection/connection-limits.ts';
import { Connection, type IncomingQuestion } from './connection/connection.ts';
import { Elicitations } from './questions.ts';
import type { EraOfServer } from './connection/eras.ts';
import type { IdentitySource } from './connection/client-info.ts';
import { headerFields } from './connection/header-fields.ts';
import { handshake } from './connection/handshake.ts';
import { Health, type CallOutcome } from './health/health.ts';
import { Lifecycle } from './lifecycle.ts';
import { ListSync, type ListSyncOptions } from './list-sync.ts';
import { HealthChecker } from './health/health-check.ts';
import { cannotTellWho, put, whoIsAsked } from './questions.ts';
import { inputRequiredLoop } from './input-required.ts';
import { Roots } from './roots.ts';
import { NotificationRouter } from './notification-router.ts';
import { ServerSubscriptions } from './subscriptions.ts';
import { Tried } from './connection/tried-eras.ts';
import type { ReconnectLimiter } from './reconnect-limiter.ts';

/** A list that takes longer is not waited for when it is asked again. */
const SLOW_LIST_MS = 1000;
/** How long the end of a lost connection may take to be told. */
const LOSS_MS = 500;
/** A server that asks for a longer rest than this is tried again all the same. */
const LONGEST_REST_MS = 300_000;

export interface DownstreamOptions {
  /** The config key. */
  readonly server: string;
  readonly transports: Transports;
  readonly protocol: string;
  /** Which era the server was found to speak, kept between starts. */
  readonly eras: EraOfServer;
  readonly identity: IdentitySource;
  /** What it offered in earlier runs. */
  readonly memory: ListingMemory;
  readonly checked: ListSyncOptions['checked'];
  /** The one client it belongs to; asked for when needed because it may come after the start. */
  readonly clientHandle: () => ClientHandle | undefined;
  /** The one modern client that it belongs to: it can be asked only while it waits for an answer. */
  readonly caller: () => Client | undefined;
  /** Whether the server is known to ask for roots as soon as it is greeted. */
  readonly asksForRoots: () => boolean;
  readonly start: 'eager' | 'lazy';
  /** 0: never. */
  readonly idleStopMs: number;
  readonly outage: 'keep' | 'hide';
  readonly connectTimeoutMs: number;
  /** Its command fetches a package before it is there. */
  readonly fetches: () => boolean;
  readonly restart: { readonly enabled: boolean; readonly delayMs: number; readonly maxDelayMs: number };
  readonly health: { readonly intervalMs: number; readonly timeoutMs: number };
  readonly limits: ConnectionLimits;
  /** Shared by all that reconnect. */
  readonly turns: ReconnectLimiter;
  readonly events: DownstreamEvents;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
}

export interface DownstreamEvents {
  /** What it offers, or its state, changed. */
  changed(): void;
  /** A clean handshake; told before any call goes out on the new connection. */
  handshakeDone(): void;
  /** The server says that what it offers has changed; what that is now comes later. */
  outdated(): void;
  resourceUpdated(params: Json): void;
  /** A notification about a task, for whoever holds it. */
  taskChanged(method: string, params: Json): void;
  /** A matter that a client was asked to see to elsewhere is done. */
  elicitationCompleted(clientId: string, params: Json): void;
  /** A question came that only a connection per client could have answered. */
  needsOwnConnections(): void;
  /** The server learns the roots of this client, and takes them as its own limits. */
  rootsAsked(client: Client): void;
}

export class Downstream {
  readonly #options: DownstreamOptions;
  readonly #life: Lifecycle<Connection>;
  readonly #offer: ListSync;
  readonly #health: Health;
  readonly #prober: HealthChecker;
  readonly #idle: Idle;
  readonly #subscriptions: ServerSubscriptions;
  readonly #said: NotificationRouter;
  readonly #elicitations = new Elicitations();
  readonly #roots: Roots;
  /** Every transport that is not gone yet: the one in use, one being greeted, those being ended. */
  readonly #open = new Set<Connection>();
  readonly #skipped = new Map<string, number>();
  #state: DownstreamState = 'stopped';
  #startedAt = 0;
  #inFlight = 0;
  #questions = 0;
  #restUntil = -Infinity;
  #resting = false;
  #drained: (() => void) | undefined;
  #closing: Promise<void> | undefined;

  constructor(options: DownstreamOptions) {
    const { server, identity, memory, clock, log, random, connectTimeoutMs, health, restart, turns } =
      options;
    this.#options = options;
    this.#health = new Health(clock);
    this.#subscriptions = new ServerSubscriptions({ server, clock, log });
    this.#said = new NotificationRouter({
      perSecond: options.limits.noticesPerSecond,
      server,
      clientHandle: options.clientHandle,
      resourceUpdated: (params) => options.events.resourceUpdated(params),
      odd: (what, times) => this.#odd(what, times),
      clock,
    });
    this.#idle = new Idle(options.start === 'lazy' ? options.idleStopMs : 0, clock, () => this.#whenIdle());
    this.#roots = new Roots({
      server,
      remind: () => this.#life.connection?.notify('notifications/roots/list_changed'),
      clock,
    });
    this.#offer = new ListSync({
      server,
      identity,
      memory,
      checked: options.checked,
      timeoutMs: connectTimeoutMs,
      clock,
      log,
      changed: () => options.events.changed(),
      failed: (what) => this.#life.note('list', what),
    });
    this.#prober = new HealthChecker({
      ...health,
      clock,
      random,
      result: (ms) => {
        this.#health.probe(ms);
        this.#judge();
      },
      dead: (what) => {
        const why = this.#life.connection?.whySilent ?? '';
        this.#life.fail('probe', why === '' ? what : `${what}. ${why}`);
      },
      unknowing: () =>
        log.info({ server }, 'downstream server does not answer pings: it is asked for a list instead'),
    });
    this.#life = new Lifecycle<Connection>({
      server,
      connect: () => this.#connect(),
      up: (connection) => this.#up(connection),
      changed: () => this.#judge(),
      restart,
      turns,
      clock,
      random,
      log,
    });
  }

  get state(): DownstreamState {
    return this.#state;
  }

  /** It waits for its first call, or for the next one. */
  get lazy(): boolean {
    return this.#options.start === 'lazy' || (this.#resting && this.#life.phase !== 'up');
  }

  /** What is listed was told to a client with these capabilities, in this run or an earlier one. */
  get exact(): boolean {
    return this.#offer.exact;
  }

  /** It is coming up, and what is listed of it was told for other clients. */
  get confirming(): boolean {
    const { phase, lastFailure } = this.#life;
    return !this.#offer.fresh && lastFailure === undefined && (phase === 'starting' || phase === 'up');
  }

  /** Has it hear of us at once, where it is connected. */
  probe(): void {
    this.#prober.hurry();
  }

  /** There is a connection that a call could be sent on now. */
  get connected(): boolean {
    return this.#life.connection !== undefined;
  }

  /** What the server offered last, in this run or an earlier one; kept while it is down. */
  get listing(): Listing | undefined {
    return this.#offer.listing;
  }

  /** What clients are to see of it. */
  get offered(): Listing | undefined {
    return this.#options.outage === 'hide' && this.#life.critical ? undefined : this.#offer.listing;
  }

  /** It is coming up for the first time and will tell what it offers; one that failed is not waited for. */
  get expected(): boolean {
    const { phase, lastFailure } = this.#life;
    return (
      this.#offer.listing === undefined &&
      lastFailure === undefined &&
      (phase === 'starting' || phase === 'up')
    );
  }

  /** A list is worth waiting for it: it is expected, and has not been waited for in vain before. */
  get awaited(): boolean {
    return this.expected && !this.#options.memory.hung;
  }

  /** Somebody has waited for it as long as it could. */
  waitedInVain(): void {
    if (this.awaited) this.#offer.waitedInVain(this.#startedAt, this.#options.fetches());
  }

  /** Something is known of it, for this client or for another: it need not be started to be listed. */
  get remembered(): boolean {
    const { identity, memory } = this.#options;
    return this.#offer.listing !== undefined || (identity.now === undefined && memory.any);
  }

  get status(): DownstreamStatus {
    const { server } = this.#options;
    const agreement = this.#life.connection?.agreement;
    return {
      server,
      state: this.#state,
      protocolVersion: agreement?.protocolVersion,
      serverInfo: agreement?.serverInfo,
      startingMs: this.#life.startingMs,
      startMs: this.#life.startMs,
      listMs: this.#offer.listMs,
      restarts: this.#life.restarts,
      restartInMs: this.#life.restartInMs,
      lastFailure: this.#life.lastFailure,
      inFlight: this.#inFlight,
      fromSnapshot: this.#offer.listing !== undefined && !this.#offer.fresh,
      health: this.#health.report,
      skipped: Object.fromEntries(this.#skipped),
    };
  }

  /** Takes what is remembered, once it is known who the client is; `instead` stands in where nothing is. */
  recall(instead?: Listing): void {
    this.#offer.recall(instead);
  }

  /** Begins, unless it is one that waits for its first call; trouble shows in the state and in the log. */
  start(): void {
    const { start, identity, clock } = this.#options;
    // One that was only told to other clients is started once, to tell this one.
    if (start === 'lazy' && this.remembered && (this.#offer.exact || !identity.now)) return;
    this.#startedAt = clock.now();
    this.#life.start();
  }

  /** Nobody is to use this connection any more: the next call opens another one. */
  rest(): void {
    this.#resting = true;
    void this.#life.stop();
  }

  /** Somebody has logged in: what was refused may be had now, and what was told may be another person's. */
  loggedIn(): void {
    this.#life.again();
    if (this.connected) this.#offer.refresh();
  }

  /** Has its lists asked again where they may be old; waits for it, unless it is known to be slow. */
  async freshen(why: 'listed' | 'missed'): Promise<void> {
    const asked = this.#offer.freshen(why);
    if ((this.#offer.listMs ?? 0) <= SLOW_LIST_MS || why === 'missed') await asked;
  }

  /** Answers a call under the server's own name; waits for a start under way. */
  handle(call: Call): Answer {
    const { clock } = this.#options;
    this.#refuseWhileResting();
    this.#inFlight++;
    const { connection } = this.#life;
    const attempt = new Attempt(call, connection, clock.now(), this.#questions, this.#attemptEnds);
    return Answer.by(() => this.#attempt(attempt)).through(attempt);
  }

  readonly #attemptEnds: AttemptEnds = {
    succeeded: (attempt, result) => {
      const now = this.#options.clock.now();
      this.#tell('ok', attempt.questions === this.#questions ? now - attempt.from : undefined, now);
      const tooMany = this.#tooMany(result);
      if (tooMany) return this.#attemptEnds.failed(attempt, tooMany);
      this.#callEnded();
      return result;
    },
    failed: (attempt, error) => {
      this.#elicitations.failed(error, attempt.call.client);
      this.#callFailed(error, attempt);
      this.#callEnded();
      throw error;
    },
  };

  #attempt(attempt: Attempt): Answer | Promise<Json> {
    const { call, connection } = attempt;
    if (connection) return this.#go(call, connection);
    return this.#life.ready(call.signal).then((ready) => {
      attempt.connection = ready;
      attempt.from = this.#options.clock.now();
      return this.#go(call, ready);
    });
  }

  #go(call: Call, connection: Connection): Answer | Promise<Json> {
    if (!this.#roots.any) return this.#sendAndAnswer(call, connection);
    return this.#roots.ready(call).then(() => this.#sendAndAnswer(call, connection));
  }

  /** Between two of the legacy family no answer is a question. */
  #sendAndAnswer(call: Call, connection: Connection): Answer {
    if (call.client.era === 'legacy' && connection.agreement.era === 'legacy')
      return this.#send(call, connection);
    return inputRequiredLoop(call, this.#options.server, (one) => this.#send(one, connection));
  }

  #callEnded(): void {
    this.#inFlight--;
    this.#idle.used();
    if (this.#inFlight === 0) this.#drained?.();
  }

  async subscribe(uri: string): Promise<void> {
    this.#life.start();
    await this.#subscriptions.subscribe(uri);
  }

  async unsubscribe(uri: string): Promise<void> {
    await this.#subscriptions.unsubscribe(uri);
  }

  /** Somebody waits for a task of this server. */
  watchTask(taskId: string): void {
    this.#subscriptions.watchTask(taskId);
  }

  unwatchTask(taskId: string): void {
    this.#subscriptions.unwatchTask(taskId);
  }

  /** The least severe level that any client wants; modern servers are told call by call. */
  setLogLevel(level: string): void {
    this.#subscriptions.setLogLevel(level);
  }

  rootsChanged(): void {
    const { connection } = this.#life;
    if (connection?.agreement.era === 'legacy') connection.notify('notifications/roots/list_changed');
  }

  /** Another one has taken its place: lets what is under way end, for so long, then closes. */
  async drain(ms: number): Promise<void> {
    if (this.#inFlight > 0)
      await new Promise<void>((resolve) => {
        const stop = this.#options.clock.after(ms, resolve);
        this.#drained = () => {
          stop();
          resolve();
        };
      });
    await this.close();
  }

  close(): Promise<void> {
    return (this.#closing ??= this.#close());
  }

  async #close(): Promise<void> {
    this.#prober.stop();
    this.#offer.stop();
    this.#idle.stop();
    this.#said.stop();
    await Promise.all([this.#life.close(), ...[...this.#open].map((connection) => connection.close())]);
    this.#life.closed();
  }

  async #connect(): Promise<Connection> {
    const { server, clock, eras, protocol, transports, identity, connectTimeoutMs } = this.#options;
    let connection: Connection | undefined;
    let over = false;
    let timedOut = false;
    const tried = new Tried(server);
    let stopTimer: () => void = () => {};
    let from = clock.now();
    const tooLate = new Promise<never>((_, reject) => {
      const arm = (): void => {
        from = clock.now();
        stopTimer = clock.after(connectTimeoutMs, () => {
          timedOut = true;
          reject(this.#connectTimeout(connection, tried.reasons));
        });
      };
      // The time until our own client greets us is not the server's.
      if (identity.now) arm();
      else void identity.promise.then(arm);
    });
    const handshakeDone = handshake({
      server,
      transports,
      protocol,
      remembered: eras.get(),
      rememberedVersion: eras.version(),
      tried,
      connectTimeoutMs,
      clock,
      identity: () => identity.promise,
      connect: (open) => {
        if (over || this.#closing) throw this.#connectTimeout();
        return (connection = this.#connectionOver(open));
      },
    });
    try {
      const ready = await Promise.race([handshakeDone, tooLate]);
      eras.set(ready.connection.agreement.era, ready.onlyVersion);
      return ready.connection;
    } catch (error) {
      handshakeDone.catch(() => {
        // Reported by the race, or too late to matter.
      });
      over = true;
      void connection?.close();
      if (!this.#closing) this.#offer.waitedInVain(from);
      // Some servers stay silent when they are asked in the way of the other era.
      if ((transports.kind === 'one' || timedOut) && !this.#closing) eras.forget();
      throw error;
    } finally {
      stopTimer();
    }
  }

  #up(connection: Connection): void {
    const { server, identity, log } = this.#options;
    log.info(
      { server, protocol: connection.agreement.protocolVersion, ms: this.#life.startMs },
      'downstream server is ready',
    );
    this.#options.events.handshakeDone();
    this.#roots.handshakeDone(this.#willAskForRoots(connection));
    this.#health.renewed();
    this.#idle.used();
    if (identity.now) this.#subscriptions.connected(connection, identity.now);
    this.#offer.listFrom(connection);
    this.#prober.start({
      probe: async (signal) => connection.probe(await identity.promise, signal),
      otherwise: (signal) => identity.now && connection.probeOtherwise(identity.now, signal),
      heard: () => connection.heard,
      busy: () => this.#inFlight > 0,
    });
  }

  #willAskForRoots({ agreement }: Connection): boolean {
    const { identity, asksForRoots } = this.#options;
    return agreement.era === 'legacy' && identity.now?.capabilities['roots'] !== undefined && asksForRoots();
  }

  #connectionOver(open: OpenLink): Connection {
    const { server, limits, clock } = this.#options;
    const connection: Connection = new Connection({
      server,
      open,
      clock,
      limits,
      headersFor: (request) => headerFields(request, this.#offer.listing),
      events: {
        question: (question) => this.#question(question, connection),
        notification: (method, params, call) => this.#notified(method, params, call, connection),
        odd: (what, times) => this.#odd(what, times),
        closed: (error) => this.#lost(connection, error),
      },
    });
    this.#open.add(connection);
    return connection;
  }

  #lost(connection: Connection, error: ProxyError | undefined): void {
    // Its process group may still have to be ended.
    void connection.close().then(() => this.#open.delete(connection));
    this.#subscriptions.lost(connection);
    this.#life.lost(connection, error);
  }

  /** Sends; once more where the connection turned out to be gone and the server surely never had the call. */
  #send(call: Call, connection: Connection): Answer {
    const answer = connection.closed
      ? Answer.by(() => this.#life.ready(call.signal).then((ready) => ready.call(call)))
      : connection.call(call);
    return answer.through(new Delivery(call, connection, this.#sendAgain));
  }

  readonly #sendAgain: SendAgain = async (call, connection, error) => {
    if (error.cause instanceof RpcError && error.cause.code === HEADER_MISMATCH) {
      // The tool may want other header fields than those of the list that we have.
      await this.#offer.renew(connection);
      if (call.signal.cancelled) throw error;
      return connection.call(call);
    }
    const lost = error.cause instanceof SessionLost || connection.closed;
    const maybe =
      this.#options.transports.kind === 'one' && error.code !== 'BUSY' && error.code !== 'CLIENT_CANNOT';
    if (!lost && !maybe) throw error;
    await connection.ended(LOSS_MS);
    if (!connection.closed) throw error;
    const next = await this.#life.ready(call.signal);
    return next.call(call, true);
  };

  /** A result of very many parts would be copied, walked through and shown part by part further on. */
  #tooMany(result: Json): ProxyError | undefined {
    const { server, limits } = this.#options;
    // Each takes more than one character.
    if (result.length <= limits.contentParts) return undefined;
    for (const key of PARTS) {
      const parts = at(result.brief, key);
      if (!Array.isArray(parts) || parts.length <= limits.contentParts) continue;
      const message = `The result of "${server}" has ${parts.length} parts ("${key}"); at most ${limits.contentParts} are taken (limits.contentParts).`;
      return new ProxyError('RESULT_TOO_LARGE', { message, server, delivered: true });
    }
    return undefined;
  }

  /** A server that asked to be left alone for a while is. */
  #refuseWhileResting(): void {
    const { clock, server } = this.#options;
    if (this.#restUntil === -Infinity) return;
    const left = Math.ceil(this.#restUntil - clock.now());
    if (left <= 0) {
      this.#restUntil = -Infinity;
      return;
    }
    throw new ProxyError('RATE_LIMITED', {
      message: `"${server}" asked for no more requests for now: try again in ${Math.ceil(left / 1000)} seconds.`,
      server,
      delivered: false,
      retryAfterMs: left,
    });
  }

  /**
   * Only failures of the server count: its own errors are answers, and a client that gives up is not its fault.
   * What a crash took with it is told by the restarts.
   */
  #callFailed(error: unknown, { call, connection, from }: Attempt): void {
    const now = this.#options.clock.now();
    const ms = now - from;
    if (error instanceof RpcError) this.#tell(error.code === INTERNAL_ERROR ? 'error' : 'ok', ms, now);
    if (!(error instanceof ProxyError)) return;
    if (error.retryAfterMs !== undefined && error.delivered === false && !error.answered && this.connected)
      this.#restUntil = now + Math.min(error.retryAfterMs, LONGEST_REST_MS);
    if (error.answered) this.#tell('ok', ms, now);
    else if (call.signal.cause === 'attempt-expired') this.#tell('timeout', ms, now);
    else if (FAILURES.has(error.code) && connection && !connection.closed) this.#tell('error', ms, now);
  }

  #tell(outcome: CallOutcome, ms: number | undefined, now: number): void {
    this.#health.call(outcome, ms, now);
    if (this.#health.troubled) this.#judge();
  }

  /** What all signs together say; told where it changed. */
  #judge(): void {
    const state = this.#stateNow();
    if (state === this.#state) return;
    const before = this.#state;
    this.#state = state;
    const { server, log, events } = this.#options;
    if (this.#life.phase !== 'up') this.#prober.stop();
    log.debug({ server, state, before }, 'state');
    if (this.#life.phase === 'up' && before !== 'starting')
      log.info(
        { server, state, reasons: this.#health.report.reasons },
        'health of a downstream server changed',
      );
    events.changed();
  }

  #stateNow(): DownstreamState {
    const { phase, critical, failing } = this.#life;
    if (phase === 'stopping' || phase === 'stopped') return phase;
    if (critical || failing) return 'critical';
    if (phase === 'starting') return 'starting';
    if (phase === 'down') return 'unhealthy';
    const { level } = this.#health;
    return level === 'healthy' ? 'ready' : level;
  }

  #whenIdle(): void {
    if (this.#inFlight > 0 || this.#subscriptions.any || this.#life.phase !== 'up') return this.#idle.used();
    const { server, idleStopMs, log } = this.#options;
    log.info({ server, idleStopMs }, 'stopped a downstream server that nobody used');
    void this.#life.stop();
  }

  #notified(method: string, params: Json, call: Call | undefined, connection: Connection): void {
    switch (method) {
      case 'notifications/tools/list_changed':
      case 'notifications/prompts/list_changed':
      case 'notifications/resources/list_changed':
        this.#options.events.outdated();
        this.#offer.refresh();
        return;
      case 'notifications/subscriptions/acknowledged':
        return;
      case 'notifications/resources/updated':
        this.#said.resourceUpdated(params);
        return;
      case 'notifications/tasks/status':
      case 'notifications/tasks':
        this.#options.events.taskChanged(method, params);
        return;
      case 'notifications/elicitation/complete':
        this.#elicitationCompleted(params);
        return;
      default:
        this.#said.notification(method, params, call, connection.calls);
    }
  }

  #question(incoming: IncomingQuestion, connection: Connection): Promise<Json> {
    const { server } = this.#options;
    const { method, params, call, signal, onProgress } = incoming;
    this.#questions++;
    const clientHandle = this.#options.clientHandle();
    const asked = whoIsAsked({ call, calls: connection.calls, clientHandle });
    if (method === 'roots/list') {
      const caller = asked === undefined || asked === clientHandle ? this.#options.caller() : undefined;
      const client = caller ?? asked?.client;
      const hasRoots = client?.capabilities['roots'] !== undefined;
      if (client && hasRoots) this.#options.events.rootsAsked(client);
      if (caller && hasRoots) return this.#roots.hold(incoming);
    }
    if (asked) {
      this.#elicitations.asked(method, params, asked.client);
      const answer = put(asked, { method, params, server, signal, onProgress });
      if (method === 'roots/list' && asked === clientHandle) this.#roots.asked(answer);
      return answer;
    }
    const needed = capabilityFor(method, params.value);
    // Nobody here could have answered, whoever is meant.
    const inVain = needed !== undefined && !covers(this.#options.identity.now?.capabilities ?? {}, needed);
    if (!inVain) this.#options.events.needsOwnConnections();
    return Promise.reject(cannotTellWho(method, server));
  }

  #elicitationCompleted(params: Json): void {
    const clientId = this.#elicitations.completed(params);
    if (clientId === undefined) this.#odd('the completion of an elicitation that nobody was shown');
    else this.#options.events.elicitationCompleted(clientId, params);
  }

  #odd(what: string, times = 1): void {
    const known = this.#skipped.get(what);
    // Kinds are few; texts that vary without end would be a leak.
    if (known === undefined && this.#skipped.size >= 100) return;
    this.#skipped.set(what, (known ?? 0) + times);
    if (known === undefined) this.#options.log.warn({ server: this.#options.server, what }, 'skipped');
  }

  #connectTimeout(connection?: Connection, before?: string): ProxyError {
    const { server, connectTimeoutMs } = this.#options;
    const why = connection?.whySilent ?? '';
    const earlier =
      before === undefined ? '' : ` Before that: ${before}. "protocol" in its config says which to speak.`;
    return new ProxyError('TIMEOUT', {
      message: `"${server}" did not answer the handshake within ${connectTimeoutMs} ms (connectTimeoutMs).${why && ` ${why}`}${earlier}`,
      server,
      delivered: false,
    });
  }
}

/** Where results of calls, reads and prompts hold their parts. */
const PARTS = ['content', 'contents', 'messages'] as const;

/** The errors of ours that a server is to blame for. */
const FAILURES: ReadonlySet<string> = new Set([
  'DOWNSTREAM_UNAVAILABLE',
  'DOWNSTREAM_FAILED',
  'TIMEOUT',
  'PROTOCOL_ERROR',
]);
