/**
 * The credentials of one server for one person: read from the store, sent with every request, renewed before they
 * expire, and asked for again where they are refused.
 *
 * Without a login nothing is sent that could only be refused: calls fail at once, until somebody has logged in.
 */
import type { Clock } from '../core/clock.ts';
import { messageOf, ProxyError } from '../core/errors.ts';
import type { Logger } from '../core/logger.ts';
import type { Authorization, CredentialsRefusal } from '../transport/authorization.ts';
import { type Challenge, challengeFrom, NO_CHALLENGE, scopeUnion, widens } from './oauth/challenge.ts';
import { allowedBy, CachedToken, isExpired, LOOK_MS } from './cached-token.ts';
import type { LoginAttempt } from './login-attempt.ts';
import { PendingAuthorization } from './pending-authorization.ts';
import { type LoginRecord, loginId } from './store/login-record.ts';
import { type LoginStatus, loginStatus } from './login-status.ts';
import type { LoginStore } from './store/login-store.ts';
import { LoginWatch } from './login-watch.ts';
import { TokenRefresh } from './token-refresh.ts';
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

export class Credentials implements Authorization {
  readonly #options: CredentialsOptions;
  readonly #held: CachedToken;
  readonly #demand: PendingAuthorization;
  readonly #renewal: TokenRefresh;
  readonly #watch: LoginWatch;
  /** Single flight: reading, renewing. */
  #work: Promise<void> | undefined;
  #challenge: Challenge | undefined;
  /** The scopes that a server asked for beyond the login that there is. */
  #wider: string | undefined;
  #attempt: Promise<LoginAttempt> | undefined;
  #closed = false;

  constructor(options: CredentialsOptions) {
    const { url, who, settings, clock, log } = options;
    this.#options = options;
    this.#held = new CachedToken({
      ...options,
      id: loginId(url.href, who, settings.clientId),
      changed: (before, now) => this.#changed(before, now),
    });
    this.#demand = new PendingAuthorization({ ...options, made: () => this.#watch.begin() });
    this.#renewal = new TokenRefresh({
      place: options,
      held: this.#held,
      demand: this.#demand,
      wanted: () => ({ challenge: this.#challenge ?? NO_CHALLENGE, scope: this.#wider }),
      clock,
      log,
    });
    this.#watch = new LoginWatch({
      wanted: () => this.#demand.error !== undefined,
      look: () => this.#look(),
      everyMs: LOOK_MS,
      clock,
    });
  }

  get status(): LoginStatus {
    const { tokens } = this.#held;
    return loginStatus({
      who: this.#options.who,
      command: this.#demand.error ? this.command : undefined,
      tokens,
      renews: this.#renewal.isPossible(tokens),
    });
  }

  /** The command that a person runs to log in. */
  get command(): string {
    return this.#demand.command;
  }

  headers(): Readonly<Record<string, string>> {
    return this.#held.headers;
  }

  pending(): Promise<void> | undefined {
    return this.#work ?? this.#needed();
  }

  #needed(): Promise<void> | undefined {
    if (this.#held.isUnread) return this.#readFirst();
    const { error } = this.#demand;
    if (error) return this.#whileDemanded(error);
    if (this.#held.seemsStale) return this.#readFirst();
    const { tokens } = this.#held;
    if (tokens?.expiresAt === undefined) return undefined;
    if (isExpired(tokens)) return this.#alone(() => this.#renewal.soon(tokens));
    this.#renewal.ahead({ ...tokens, expiresAt: tokens.expiresAt });
    return undefined;
  }

  async refused(refusal: CredentialsRefusal): Promise<void> {
    // Others were refused with the same credentials, and new ones are there by now.
    if (refusal.sent !== this.#held.headers) return;
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

  /** Logs a machine in at once, without being refused first. @throws ProxyError */
  async obtain(): Promise<void> {
    await this.#held.read();
    await this.#renewal.now(this.#held.tokens);
  }

  /** Resolves once somebody has logged in, wherever; the caller stops waiting by the function that it gets. */
  whenLoggedIn(done: () => void): () => void {
    return this.#watch.wait(done);
  }

  /** Somebody has to log in before a call like the last one can go on. */
  get waits(): boolean {
    return this.#demand.error !== undefined || this.#wider !== undefined;
  }

  /** A login that was begun and is not over. */
  get attempt(): Promise<LoginAttempt> | undefined {
    return this.#attempt;
  }

  close(): void {
    this.#closed = true;
    this.#watch.close();
    void this.#attempt?.then(
      (attempt) => attempt.cancel(),
      () => {
        // It had not begun.
      },
    );
  }

  #alone(work: () => Promise<void>): Promise<void> {
    const promise = work().finally(() => {
      if (this.#work === promise) this.#work = undefined;
    });
    this.#work = promise;
    return promise;
  }

  #readFirst(): Promise<void> {
    return this.#alone(() => this.#held.read().then(() => this.#needed()));
  }

  /** Somebody may have logged in with another proxy, or in a terminal. */
  #whileDemanded(error: ProxyError): Promise<void> | undefined {
    if (this.#held.isStale)
      return this.#alone(async () => {
        await this.#held.read();
        if (this.#demand.error) throw error;
      });
    return this.#demand.letThrough() ? undefined : Promise.reject(error);
  }

  async #look(): Promise<void> {
    if (!this.#held.isStale || this.#work) return;
    const { server, log } = this.#options;
    await this.#alone(() => this.#held.read()).catch((error: unknown) =>
      log.debug({ server, why: messageOf(error) }, 'the store of logins could not be read'),
    );
  }

  #changed(before: LoginRecord | undefined, now: LoginRecord | undefined): void {
    if (!now?.tokens) return;
    const isOther = before?.session !== now.session;
    if (this.#demand.met() || (before?.tokens && isOther)) this.#options.loggedIn();
    // What was only renewed allows no more than before; after a login every call that waits may try.
    if (!isOther && widens(this.#wider, allowedBy(now.tokens))) return;
    this.#wider = undefined;
    this.#watch.tell();
  }

  /** The server does not take what it was sent. */
  async #refusedToken({ sent, again }: CredentialsRefusal): Promise<void> {
    const held = this.#held;
    // A keyring that was locked may be open by now.
    if (held.isStale || (held.record && !held.tokens)) {
      await held.read();
      if (held.headers !== sent) return;
    }
    const { tokens } = held;
    if (again && tokens)
      this.#demand.make('does not accept the login that its own authorization server gave. Log in again:');
    if (!this.#renewal.isPossible(tokens)) this.#demand.make('needs a login. Run:');
    await this.#renewal.soon(tokens);
  }

  /** A call needs more than the login allows; other calls go on with it. */
  async #widen(challenge: Challenge): Promise<void> {
    const { server, settings } = this.#options;
    const { tokens } = this.#held;
    const had = allowedBy(tokens);
    const wanted = scopeUnion(had, challenge.scope);
    if (!tokens || !widens(wanted, had))
      throw new ProxyError('DOWNSTREAM_FAILED', {
        message: `"${server}" refused the request (HTTP 403, insufficient_scope), and a new login would not change that.`,
        server,
        delivered: false,
        answered: true,
      });
    this.#wider = scopeUnion(this.#wider, wanted);
    this.#challenge = { ...challenge, scope: this.#wider };
    if (settings.grant !== 'client-credentials')
      throw this.#demand.required(
        `wants further permissions for this (${challenge.scope ?? ''}). Run:`,
        challenge.scope,
      );
    const sent = this.#held.headers;
    await this.#alone(() => this.#renewal.now(tokens));
    if (this.#held.headers === sent) throw this.#demand.required('did not give further permissions. Run:');
  }

  async #begin(scope: string | undefined): Promise<LoginAttempt> {
    const { server, log, headers } = this.#options;
    try {
      const { beginLogin, probe } = await import('./login-steps.ts');
      const challenge = this.#challenge ?? (await probe(this.#options, headers)) ?? NO_CHALLENGE;
      await this.#held.read();
      const known = this.#held.record;
      const attempt = await beginLogin({
        ...this.#options,
        challenge,
        scope: this.#wider ?? (scope && scopeUnion(allowedBy(known?.tokens), challenge.scope, scope)),
        known,
        keep: (record) => this.#held.locked(() => this.#held.keep(record)),
      });
      const over = (): void => {
        this.#attempt = undefined;
      };
      void attempt.done.then(over, (error: unknown) => {
        log.info({ server, why: messageOf(error) }, 'a login came to nothing');
        over();
      });
      if (this.#closed) attempt.cancel();
      return attempt;
    } catch (error) {
      this.#attempt = undefined;
      throw error;
    }
  }
}
