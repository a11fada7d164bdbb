/**
 * The credentials of one server for one person: read from the store, sent with every request, renewed before they
 * expire, and asked for again where they are refused.
 *
 * One renewal at a time, in this process and among all that share the store; what another one obtained is used.
 * Without a login nothing is sent that could only be refused: calls fail at once, until somebody has logged in.
 */
import type { Clock } from '../core/clock.ts';
import { ProxyError } from '../core/errors.ts';
import type { Logger } from '../core/logger.ts';
import type { Authorization, Refusal } from '../transport/authorization.ts';
import { type Challenge, challengeFrom, scopeUnion, widens } from './challenge.ts';
import { type LoginRecord, loginId, type Tokens } from './login-record.ts';
import type { LoginStore } from './login-store.ts';
import type { LoginAttempt } from './login-attempt.ts';
import type { LoginPlace } from './settings.ts';

export interface CredentialsOptions extends LoginPlace {
  /** From the config; a login's token comes on top. */
  readonly headers: Readonly<Record<string, string>>;
  readonly store: LoginStore;
  /** Somebody logged in, here or elsewhere. */
  readonly loggedIn: () => void;
  readonly clock: Clock;
  readonly log: Logger;
}

/** For people: never a token. */
export interface LoginStatus {
  readonly state: 'logged in' | 'login required' | 'not needed';
  /** The client of `http.tokens` whose login it is; none for the login of this machine's user. */
  readonly client?: string;
  /** When the access token ends, ISO 8601. */
  readonly until?: string;
  /** It is renewed then without anybody being asked. */
  readonly renews?: boolean;
  readonly command?: string;
}

/** A renewal begins so long before the end, or in the last fifth of a shorter life. */
const AHEAD_MS = 60_000;
/** After a renewal that failed in passing; twice as long after each further one. */
const RENEW_AGAIN_MS = 2000;
const RENEW_AGAIN_AT_MOST_MS = 60_000;
/** However long it asks to wait. */
const WAIT_AT_MOST_MS = 600_000;
/** How often it is looked whether somebody has logged in elsewhere. */
const LOOK_MS = 1000;
/** A server may stop demanding a login: one request is let through now and then. */
const TRY_AGAIN_MS = 60_000;

export class Credentials implements Authorization {
  readonly #options: CredentialsOptions;
  readonly #id: string;
  #record: LoginRecord | undefined;
  /** The store's mark of what was read last; `undefined`: nothing was read yet. */
  #mark: string | undefined;
  #headers: Readonly<Record<string, string>>;
  /** Single flight: reading, renewing. */
  #work: Promise<void> | undefined;
  /** Why nothing is sent. */
  #refusal: ProxyError | undefined;
  #tryAgainAt = 0;
  #lookAgainAt = 0;
  #renewAgainAt = 0;
  #failures = 0;
  /** The failure of the last renewal, where trying again could help. */
  #lastTrouble: ProxyError | undefined;
  /** It was logged that a login is required. */
  #told = false;
  #challenge: Challenge | undefined;
  /** What a server asked for beyond the login that there is. */
  #wider: string | undefined;
  #attempt: Promise<LoginAttempt> | undefined;
  #stopWatching: (() => void) | undefined;
  readonly #waiting = new Set<() => void>();
  #closed = false;

  constructor(options: CredentialsOptions) {
    this.#options = options;
    this.#headers = options.headers;
    this.#id = loginId(options.url.href, options.who, options.settings.clientId);
  }

  get status(): LoginStatus {
    const { tokens } = this.#record ?? {};
    const whose = this.#options.who === '' ? {} : { client: this.#options.who };
    if (this.#refusal) return { state: 'login required', ...whose, command: this.command };
    if (!tokens) return { state: 'not needed', ...whose };
    const { expiresAt, refreshToken } = tokens;
    return {
      state: 'logged in',
      ...whose,
      ...(expiresAt !== undefined && { until: new Date(expiresAt).toISOString() }),
      renews: refreshToken !== undefined || this.#isMachine,
    };
  }

  /** What a person runs to log in. */
  get command(): string {
    const { server, who } = this.#options;
    const name = /^[\w.-]+$/.test(server) ? server : JSON.stringify(server);
    return `switchyard login ${name}${who === '' ? '' : ` --client ${/^[\w.-]+$/.test(who) ? who : JSON.stringify(who)}`}`;
  }

  headers(): Readonly<Record<string, string>> {
    return this.#headers;
  }

  pending(): Promise<void> | undefined {
    return this.#work ?? this.#needed();
  }

  #needed(): Promise<void> | undefined {
    if (this.#mark === undefined) {
      // Most servers need no login: then this is all it costs.
      if (this.#options.store.mark(this.#id) !== '')
        return this.#alone(() => this.#read().then(() => this.#needed()));
      this.#mark = '';
    }
    if (this.#refusal) return this.#whileRefused(this.#refusal);
    if (this.#changedElsewhere) return this.#alone(() => this.#read().then(() => this.#needed()));
    const tokens = this.#record?.tokens;
    if (tokens?.expiresAt === undefined) return undefined;
    const now = Date.now();
    const left = tokens.expiresAt - now;
    if (left <= 0) return this.#alone(() => this.#renew(tokens));
    const ahead = Math.min(AHEAD_MS, (tokens.expiresAt - tokens.obtainedAt) / 5);
    if (left < ahead && this.#canRenew(tokens) && this.#options.clock.now() >= this.#renewAgainAt)
      this.#renewAhead(tokens);
    return undefined;
  }

  async refused(refusal: Refusal): Promise<void> {
    // Others were refused with the same credentials, and new ones are there by now.
    if (refusal.sent !== this.#headers) return;
    const challenge = challengeFrom(refusal.challenge);
    if (refusal.status === 403) return this.#widen(challenge);
    this.#challenge = challenge;
    await (this.#work ?? this.#alone(() => this.#refusedToken(refusal)));
  }

  /**
   * Begins a login of a person, or joins the one begun already.
   *
   * @param scope is asked for beyond what there is and what the server asks for.
   * @throws Error where it cannot be begun.
   */
  begin(scope?: string): Promise<LoginAttempt> {
    this.#attempt ??= this.#begin(scope);
    return this.#attempt;
  }

  /** For machines: logs in at once, without being refused first. @throws ProxyError */
  async obtain(): Promise<void> {
    await this.#read();
    await this.#renewOnce(this.#record?.tokens);
  }

  /** Resolves once somebody has logged in, wherever; the caller stops waiting by the function that it gets. */
  whenLoggedIn(done: () => void): () => void {
    this.#waiting.add(done);
    this.#watch();
    return () => this.#waiting.delete(done);
  }

  /** Somebody has to log in before a call like the last one can go on. */
  get waits(): boolean {
    return this.#refusal !== undefined || this.#wider !== undefined;
  }

  /** A login that was begun and is not over. */
  get attempt(): Promise<LoginAttempt> | undefined {
    return this.#attempt;
  }

  close(): void {
    this.#closed = true;
    this.#stopWatching?.();
    this.#waiting.clear();
    void this.#attempt?.then(
      (attempt) => attempt.cancel(),
      () => {
        // It had not begun.
      },
    );
  }

  /** Somebody may have logged out, or in as somebody else; looked at now and then. */
  get #changedElsewhere(): boolean {
    const { store, clock } = this.#options;
    if (!this.#record || clock.now() < this.#lookAgainAt) return false;
    this.#lookAgainAt = clock.now() + LOOK_MS;
    return store.mark(this.#id) !== this.#mark;
  }

  get #isMachine(): boolean {
    return this.#options.settings.grant === 'client-credentials';
  }

  #canRenew(tokens: Tokens | undefined): boolean {
    return this.#isMachine || tokens?.refreshToken !== undefined;
  }

  #alone(work: () => Promise<void>): Promise<void> {
    const promise = work().finally(() => {
      if (this.#work === promise) this.#work = undefined;
    });
    this.#work = promise;
    return promise;
  }

  /** Somebody may have logged in with another proxy, or in a terminal. */
  #whileRefused(refusal: ProxyError): Promise<void> | undefined {
    const { store, clock } = this.#options;
    if (store.mark(this.#id) !== this.#mark)
      return this.#alone(async () => {
        await this.#read();
        if (this.#refusal) throw refusal;
      });
    if (clock.now() < this.#tryAgainAt) return Promise.reject(refusal);
    this.#refusal = undefined;
    return undefined;
  }

  /** What the store has now. */
  async #read(): Promise<void> {
    const { store } = this.#options;
    this.#mark = store.mark(this.#id);
    this.#take(await store.read(this.#id));
  }

  #take(record: LoginRecord | undefined): void {
    const { tokens: had, session } = this.#record ?? {};
    this.#record = record;
    const token = record?.tokens?.accessToken;
    if (token === had?.accessToken) return;
    const { headers, loggedIn } = this.#options;
    this.#headers = token === undefined ? headers : { ...headers, authorization: `Bearer ${token}` };
    if (token === undefined) return;
    const anew = this.#refusal !== undefined || (had !== undefined && session !== record?.session);
    this.#refusal = undefined;
    this.#told = false;
    if (anew) loggedIn();
    // What was only renewed allows no more than before.
    if (widens(this.#wider, allowedBy(record?.tokens))) return;
    this.#wider = undefined;
    for (const done of this.#waiting) done();
    this.#waiting.clear();
  }

  /** The server does not take what it was sent. */
  async #refusedToken({ sent, again }: Refusal): Promise<void> {
    const { store } = this.#options;
    // A keyring that was locked may be open by now.
    if (store.mark(this.#id) !== this.#mark || (this.#record && !this.#record.tokens)) {
      await this.#read();
      if (this.#headers !== sent) return;
    }
    const tokens = this.#record?.tokens;
    if (again && tokens)
      this.#refuse('does not accept the login that its own authorization server gave. Log in again:');
    if (!this.#canRenew(tokens)) this.#refuse('needs a login. Run:');
    await this.#renew(tokens);
  }

  #renewAhead(tokens: Tokens): void {
    const { clock, log, server } = this.#options;
    this.#renewAgainAt = clock.now() + RENEW_AGAIN_MS;
    // Meanwhile calls go out with what is good still.
    this.#renewOnce(tokens).catch((error: unknown) => {
      log.debug(
        { server, why: error instanceof Error ? error.message : '' },
        'a login could not be renewed yet',
      );
    });
  }

  async #renew(before: Tokens | undefined): Promise<void> {
    const { clock } = this.#options;
    if (!this.#canRenew(before)) this.#refuse('needs a new login: the last one has expired. Run:');
    if (clock.now() < this.#renewAgainAt && this.#lastTrouble) throw this.#lastTrouble;
    await this.#renewOnce(before);
  }

  /** @throws ProxyError `LOGIN_REQUIRED`, or `DOWNSTREAM_UNAVAILABLE` where trying again could help */
  async #renewOnce(before: Tokens | undefined): Promise<void> {
    const { store, clock, log, server } = this.#options;
    const unlock = await store.lock(this.#id);
    try {
      await this.#read();
      const tokens = this.#record?.tokens;
      // Another process was faster: with rotating refresh tokens a second renewal would end both.
      if (tokens && tokens.accessToken !== before?.accessToken && !isOver(tokens)) return;
      if (!this.#canRenew(tokens)) this.#refuse('needs a login. Run:');
      await this.#keep(await this.#obtain(tokens));
      this.#lastTrouble = undefined;
      this.#failures = 0;
      log.info({ server }, 'the login was renewed');
    } catch (error) {
      if (error instanceof ProxyError) throw error;
      const { AskedToWait, troubleOf } = await import('./login-steps.ts');
      const { kind, says } = await troubleOf(error);
      log.warn({ server, why: says }, 'the login could not be renewed');
      if (kind !== 'passing') await this.#givenUp(before, says, kind === 'ended');
      const pause = Math.min(RENEW_AGAIN_MS * 2 ** this.#failures++, RENEW_AGAIN_AT_MOST_MS);
      const asked = error instanceof AskedToWait ? error.ms : 0;
      this.#renewAgainAt = clock.now() + Math.max(pause, Math.min(asked, WAIT_AT_MOST_MS));
      this.#lastTrouble = new ProxyError('DOWNSTREAM_UNAVAILABLE', {
        message: `"${server}" could not be asked: its login could not be renewed, for ${says}.`,
        server,
        delivered: false,
        cause: error,
      });
      throw this.#lastTrouble;
    } finally {
      await unlock();
    }
  }

  async #obtain(tokens: Tokens | undefined): Promise<LoginRecord> {
    const { renewLogin, machineLogin } = await import('./login-steps.ts');
    if (this.#isMachine) {
      const challenge = this.#challenge ?? challengeFrom(undefined);
      return machineLogin(this.#options, challenge, this.#wider, this.#record);
    }
    if (!this.#record || !tokens) throw new Error('nothing to renew');
    return renewLogin(this.#options, this.#record, tokens);
  }

  /** Nothing but a new login helps; unless the store has got another one meanwhile. */
  async #givenUp(before: Tokens | undefined, says: string, ended: boolean): Promise<void> {
    const { store } = this.#options;
    await this.#read();
    const now = this.#record?.tokens;
    if (now && now.accessToken !== before?.accessToken) return;
    if (this.#record && now && ended) {
      await store.write(this.#id, { ...this.#record, tokens: undefined });
      await this.#read();
    }
    if (this.#isMachine)
      this.#refuse(
        `gave no login to this machine: ${says}. Check "auth" in the config of "${this.#options.server}"; then run:`,
      );
    this.#refuse(`needs a new login: the last one could not be renewed (${says}). Run:`);
  }

  async #keep(record: LoginRecord): Promise<void> {
    const { store } = this.#options;
    await store.write(this.#id, record);
    this.#mark = store.mark(this.#id);
    this.#take(record);
  }

  /** A call needs more than the login allows; other calls go on with it. */
  async #widen(challenge: Challenge): Promise<void> {
    const { server } = this.#options;
    const tokens = this.#record?.tokens;
    const had = allowedBy(tokens);
    const wanted = scopeUnion(had, challenge.scope);
    if (!tokens || !widens(wanted, had))
      throw new ProxyError('DOWNSTREAM_FAILED', {
        message: `"${server}" refused the request (HTTP 403, insufficient_scope), and a new login would not change that.`,
        server,
        delivered: false,
      });
    this.#wider = wanted;
    this.#challenge = { ...challenge, scope: wanted };
    if (!this.#isMachine)
      throw this.#loginRequired(
        `wants further permissions for this (${challenge.scope ?? ''}). Run:`,
        challenge.scope,
      );
    const sent = this.#headers;
    await this.#alone(() => this.#renewOnce(tokens));
    if (this.#headers === sent) throw this.#loginRequired('did not give further permissions. Run:');
  }

  async #begin(scope: string | undefined): Promise<LoginAttempt> {
    const { server, log, store } = this.#options;
    try {
      const { beginLogin, probe } = await import('./login-steps.ts');
      const challenge =
        this.#challenge ?? (await probe(this.#options, this.#options.headers)) ?? challengeFrom(undefined);
      const known = await store.read(this.#id);
      const attempt = await beginLogin({
        ...this.#options,
        challenge,
        scope: this.#wider ?? (scope && scopeUnion(allowedBy(known?.tokens), challenge.scope, scope)),
        known,
        keep: async (record) => {
          const unlock = await store.lock(this.#id);
          try {
            await this.#keep(record);
          } finally {
            await unlock();
          }
        },
      });
      const over = (): void => {
        this.#attempt = undefined;
      };
      void attempt.done.then(over, (error: unknown) => {
        log.info({ server, why: error instanceof Error ? error.message : '' }, 'a login came to nothing');
        over();
      });
      if (this.#closed) attempt.cancel();
      return attempt;
    } catch (error) {
      this.#attempt = undefined;
      throw error;
    }
  }

  #refuse(says: string): never {
    const { clock, log, server } = this.#options;
    this.#refusal = this.#loginRequired(says);
    this.#tryAgainAt = clock.now() + TRY_AGAIN_MS;
    if (!this.#told) log.warn({ server, command: this.command }, 'a login is required');
    this.#told = true;
    this.#watch();
    throw this.#refusal;
  }

  #loginRequired(says: string, scope?: string): ProxyError {
    const { server } = this.#options;
    const wider = (scope ?? '').split(' ').filter((one) => /^[\w:./-]+$/.test(one));
    const message = `"${server}" ${says} ${[this.command, ...wider.map((one) => `--scope ${one}`)].join(' ')}`;
    return new ProxyError('LOGIN_REQUIRED', { message, server, delivered: false });
  }

  /** As long as a login is wanted. */
  #watch(): void {
    const { store, clock, log, server } = this.#options;
    if (this.#stopWatching || this.#closed) return;
    this.#stopWatching = clock.after(LOOK_MS, () => {
      this.#stopWatching = undefined;
      const changed = store.mark(this.#id) !== this.#mark;
      const looked = changed && !this.#work ? this.#alone(() => this.#read()) : Promise.resolve();
      looked
        .catch((error: unknown) => log.debug({ server, err: error }, 'the store of logins could not be read'))
        .then(() => {
          if (this.#refusal || this.#waiting.size > 0) this.#watch();
        })
        .catch(() => {
          // The clock of a closed proxy.
        });
    });
  }
}

/** Both what was granted and what was asked for: asking for that again would change nothing. */
function allowedBy(tokens: Tokens | undefined): string | undefined {
  return scopeUnion(tokens?.scope, tokens?.requestedScope);
}

function isOver({ expiresAt }: Tokens): boolean {
  return expiresAt !== undefined && expiresAt <= Date.now();
}
