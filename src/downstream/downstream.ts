/**
 * One downstream server as the proxy sees it: started, listed, called, watched over, closed.
 *
 * Belongs either to one client, whose capabilities the server is told exactly, or to all of them.
 */
import type { Answer } from '../core/answer.ts';
import type { Call } from '../core/call.ts';
import type { ProxyError } from '../core/errors.ts';
import { Idle } from '../core/idle.ts';
import type { Listing } from '../core/listing.ts';
import type { DownstreamState, DownstreamStatus } from '../core/status.ts';
import type { OpenLink } from '../transport/link.ts';
import { CallRunner } from './call-runner.ts';
import type { DownstreamOptions } from './downstream-options.ts';
import { Connection } from './connection/connection.ts';
import { Connector } from './connection/connector.ts';
import { headerFields } from './connection/header-fields.ts';
import { Lifecycle } from './lifecycle.ts';
import { ListSync } from './list-sync.ts';
import { HealthChecker } from './health/health-check.ts';
import { Roots } from './roots.ts';
import { NotificationRouter } from './notification-router.ts';
import { ServerQuestions } from './server-questions.ts';
import { ServerState } from './server-state.ts';
import { ServerSubscriptions } from './subscriptions.ts';

/** A list that takes longer is not waited for when it is asked again. */
const SLOW_LIST_MS = 1000;

export class Downstream {
  readonly #options: DownstreamOptions;
  readonly #state: ServerState;
  readonly #lifecycle: Lifecycle<Connection>;
  readonly #connector: Connector;
  readonly #lists: ListSync;
  readonly #prober: HealthChecker;
  readonly #idle: Idle;
  readonly #subscriptions: ServerSubscriptions;
  readonly #roots: Roots;
  readonly #questions: ServerQuestions;
  readonly #notifications: NotificationRouter;
  readonly #calls: CallRunner;
  #startedAt = 0;
  #resting = false;
  #closing: Promise<void> | undefined;

  constructor(options: DownstreamOptions) {
    const { server, transports, identity, limits, events, clock, log, random, connectTimeoutMs } = options;
    this.#options = options;
    this.#state = new ServerState({
      server,
      lifecycle: () => this.#lifecycle,
      changed: () => this.#stateChanged(),
      clock,
      log,
    });
    this.#subscriptions = new ServerSubscriptions({ server, clock, log });
    this.#idle = new Idle(options.start === 'lazy' ? options.idleStopMs : 0, clock, () => this.#whenIdle());
    this.#lists = new ListSync({
      server,
      identity,
      memory: options.memory,
      checked: options.checked,
      timeoutMs: connectTimeoutMs,
      clock,
      log,
      changed: () => events.changed(),
      failed: (what) => this.#lifecycle.note('list', what),
    });
    this.#connector = new Connector({
      server,
      transports,
      protocol: options.protocol,
      eras: options.eras,
      identity,
      connectTimeoutMs,
      open: (open) => this.#open(open),
      failed: (from) => this.#lists.waitedInVain(from),
      clock,
    });
    this.#lifecycle = new Lifecycle<Connection>({
      server,
      connect: () => this.#connector.connect(),
      up: (connection) => this.#up(connection),
      changed: () => this.#state.judge(),
      restart: options.restart,
      reconnects: options.reconnects,
      clock,
      random,
      log,
    });
    this.#prober = new HealthChecker({
      ...options.health,
      clock,
      random,
      result: (ms) => this.#state.probed(ms),
      dead: (what) => {
        const why = this.#lifecycle.connection?.whySilent ?? '';
        this.#lifecycle.fail('probe', why === '' ? what : `${what}. ${why}`);
      },
      unknowing: () =>
        log.info({ server }, 'downstream server does not answer pings: it is asked for a list instead'),
    });
    this.#roots = new Roots({
      server,
      remind: () => this.#lifecycle.connection?.notify('notifications/roots/list_changed'),
      clock,
    });
    this.#questions = new ServerQuestions({
      server,
      identity,
      roots: this.#roots,
      clientHandle: options.clientHandle,
      caller: options.caller,
      rootsAsked: (client) => events.rootsAsked(client),
      needsOwnConnections: () => events.needsOwnConnections(),
    });
    this.#notifications = new NotificationRouter({
      perSecond: limits.noticesPerSecond,
      server,
      clientHandle: options.clientHandle,
      events,
      listsChanged: () => this.#lists.refresh(),
      clientOfElicitation: (params) => this.#questions.completed(params),
      odd: (what, times) => this.#state.odd(what, times),
      clock,
    });
    this.#calls = new CallRunner({
      server,
      lifecycle: this.#lifecycle,
      questions: this.#questions,
      roots: this.#roots,
      maxParts: limits.contentParts,
      isOneStream: transports.kind === 'one',
      renewLists: (connection) => this.#lists.renew(connection),
      outcome: (outcome, ms, now) => this.#state.called(outcome, ms, now),
      ended: () => this.#idle.used(),
      clock,
    });
  }

  get state(): DownstreamState {
    return this.#state.now;
  }

  /** The server waits for its first call, or for the next one. */
  get lazy(): boolean {
    return this.#options.start === 'lazy' || (this.#resting && this.#lifecycle.phase !== 'up');
  }

  /** The listing was told to a client with these capabilities, in this run or an earlier one. */
  get exact(): boolean {
    return this.#lists.exact;
  }

  /** The server is coming up, and its listing was told for other clients. */
  get confirming(): boolean {
    return !this.#lists.fresh && this.#comingUp;
  }

  /** Has the server hear of us at once, where it is connected. */
  probe(): void {
    this.#prober.hurry();
  }

  /** There is a connection that a call could be sent on now. */
  get connected(): boolean {
    return this.#lifecycle.connection !== undefined;
  }

  /** The last listing, of this run or an earlier one; kept while the server is down. */
  get listing(): Listing | undefined {
    return this.#lists.listing;
  }

  /** The listing as clients are to see it. */
  get shownListing(): Listing | undefined {
    return this.#options.outage === 'hide' && this.#lifecycle.critical ? undefined : this.#lists.listing;
  }

  /** The server is coming up and will be listed for the first time; one that failed is not waited for. */
  get expected(): boolean {
    return this.#lists.listing === undefined && this.#comingUp;
  }

  /** A list is worth waiting for this server: it is expected, and was never waited for in vain. */
  get awaited(): boolean {
    return this.expected && !this.#options.memory.hung;
  }

  get #comingUp(): boolean {
    const { phase, lastFailure } = this.#lifecycle;
    return lastFailure === undefined && (phase === 'starting' || phase === 'up');
  }

  /** A client has waited for this server as long as it could. */
  waitedInVain(): void {
    if (this.awaited) this.#lists.waitedInVain(this.#startedAt, this.#options.fetches());
  }

  /** A listing is remembered, for this client or for another: the server need not be started to be listed. */
  get remembered(): boolean {
    const { identity, memory } = this.#options;
    return this.#lists.listing !== undefined || (identity.now === undefined && memory.any);
  }

  get status(): DownstreamStatus {
    const lifecycle = this.#lifecycle;
    const agreement = lifecycle.connection?.agreement;
    return {
      server: this.#options.server,
      state: this.#state.now,
      protocolVersion: agreement?.protocolVersion,
      serverInfo: agreement?.serverInfo,
      startingMs: lifecycle.startingMs,
      startMs: lifecycle.startMs,
      listMs: this.#lists.listMs,
      restarts: lifecycle.restarts,
      restartInMs: lifecycle.restartInMs,
      lastFailure: lifecycle.lastFailure,
      inFlight: this.#calls.inFlight,
      fromSnapshot: this.#lists.listing !== undefined && !this.#lists.fresh,
      health: this.#state.health,
      skipped: this.#state.skipped,
    };
  }

  /** Takes the remembered listing, once it is known who the client is; `instead` stands in where there is none. */
  recall(instead?: Listing): void {
    this.#lists.recall(instead);
  }

  /** Begins, unless the server waits for its first call; trouble shows in the state and in the log. */
  start(): void {
    const { start, identity, clock } = this.#options;
    // A server that was listed only for other clients is started once, to be listed for this one.
    if (start === 'lazy' && this.remembered && (this.#lists.exact || !identity.now)) return;
    this.#startedAt = clock.now();
    this.#lifecycle.start();
  }

  /** Ends this connection; the next call opens another one. */
  rest(): void {
    this.#resting = true;
    void this.#lifecycle.stop();
  }

  /** A person has logged in: what was refused may be had now, and the lists may be another person's. */
  loggedIn(): void {
    this.#lifecycle.again();
    if (this.connected) this.#lists.refresh();
  }

  /** Has the lists asked again where they may be old; waits for them, unless the server is known to be slow. */
  async freshen(why: 'listed' | 'missed'): Promise<void> {
    const asked = this.#lists.freshen(why);
    if ((this.#lists.listMs ?? 0) <= SLOW_LIST_MS || why === 'missed') await asked;
  }

  /** Answers a call under the server's own name; waits for a start under way. */
  handle(call: Call): Answer {
    return this.#calls.run(call);
  }

  async subscribe(uri: string): Promise<void> {
    this.#lifecycle.start();
    await this.#subscriptions.subscribe(uri);
  }

  async unsubscribe(uri: string): Promise<void> {
    await this.#subscriptions.unsubscribe(uri);
  }

  /** A client waits for a task of this server. */
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
    const { connection } = this.#lifecycle;
    if (connection?.agreement.era === 'legacy') connection.notify('notifications/roots/list_changed');
  }

  /** Lets the calls under way end, for so long, then closes: another downstream has taken this one's place. */
  async drain(ms: number): Promise<void> {
    await this.#calls.drain(ms);
    await this.close();
  }

  close(): Promise<void> {
    return (this.#closing ??= this.#close());
  }

  async #close(): Promise<void> {
    this.#prober.stop();
    this.#lists.stop();
    this.#idle.stop();
    this.#notifications.stop();
    await Promise.all([this.#lifecycle.close(), this.#connector.close()]);
    this.#lifecycle.closed();
  }

  #open(open: OpenLink): Connection {
    const { server, limits, clock } = this.#options;
    const connection: Connection = new Connection({
      server,
      open,
      clock,
      limits,
      headersFor: (request) => headerFields(request, this.#lists.listing),
      events: {
        question: (question) => this.#questions.answer(question, connection),
        notification: (method, params, call) =>
          this.#notifications.receive(method, params, call, connection.calls),
        odd: (what, times) => this.#state.odd(what, times),
        closed: (error) => this.#lost(connection, error),
      },
    });
    return connection;
  }

  #up(connection: Connection): void {
    const { server, identity, events, log } = this.#options;
    log.info(
      { server, protocol: connection.agreement.protocolVersion, ms: this.#lifecycle.startMs },
      'downstream server is ready',
    );
    events.handshakeDone();
    this.#roots.handshakeDone(this.#willAskForRoots(connection));
    this.#state.renewed();
    this.#idle.used();
    if (identity.now) this.#subscriptions.connected(connection, identity.now);
    this.#lists.listFrom(connection);
    this.#prober.start({
      probe: async (signal) => connection.own.probe(await identity.promise, signal),
      otherwise: (signal) => identity.now && connection.own.probeOtherwise(identity.now, signal),
      heard: () => connection.heard,
      busy: () => this.#calls.inFlight > 0,
    });
  }

  #willAskForRoots({ agreement }: Connection): boolean {
    const { identity, asksForRoots } = this.#options;
    return agreement.era === 'legacy' && identity.now?.capabilities['roots'] !== undefined && asksForRoots();
  }

  #lost(connection: Connection, error: ProxyError | undefined): void {
    this.#connector.lost(connection);
    this.#subscriptions.lost(connection);
    this.#lifecycle.lost(connection, error);
  }

  #stateChanged(): void {
    if (this.#lifecycle.phase !== 'up') this.#prober.stop();
    this.#options.events.changed();
  }

  #whenIdle(): void {
    const isUsed = this.#calls.inFlight > 0 || this.#subscriptions.any;
    if (isUsed || this.#lifecycle.phase !== 'up') return this.#idle.used();
    const { server, idleStopMs, log } = this.#options;
    log.info({ server, idleStopMs }, 'stopped a downstream server that nobody used');
    void this.#lifecycle.stop();
  }
}
