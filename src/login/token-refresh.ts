/**
 * Renews a login: by its refresh token, or, for machines, by the client's own credentials.
 *
 * One renewal at a time among all that share the store; what another one obtained is used. A login is given up only
 * where its authorization server knows it no more.
 */
import type { Clock } from '../core/clock.ts';
import { ProxyError } from '../core/errors.ts';
import type { Logger } from '../core/logger.ts';
import type { Challenge } from './oauth/challenge.ts';
import { type CachedToken, isExpired } from './cached-token.ts';
import type { PendingAuthorization } from './pending-authorization.ts';
import type { LoginRecord, Tokens } from './store/login-record.ts';
import type { LoginPlace } from './settings.ts';

export interface TokenRefreshOptions {
  readonly place: LoginPlace;
  readonly held: CachedToken;
  readonly demand: PendingAuthorization;
  /** A machine's scopes: those that the server asked for last, and those that it wants beyond. */
  readonly wanted: () => { readonly challenge: Challenge; readonly scope: string | undefined };
  readonly clock: Clock;
  readonly log: Logger;
}

/** A renewal begins so long before the end, or in the last fifth of a shorter life. */
const AHEAD_MS = 60_000;
/** After a renewal that failed in passing; twice as long after each further one. */
const PAUSE_MS = 2000;
const LONGEST_PAUSE_MS = 60_000;
/** However long it asks to wait. */
const LONGEST_WAIT_MS = 600_000;

export class TokenRefresh {
  readonly #options: TokenRefreshOptions;
  #notBefore = 0;
  #failures = 0;
  /** The failure of the last one, where trying again could help. */
  #trouble: ProxyError | undefined;

  constructor(options: TokenRefreshOptions) {
    this.#options = options;
  }

  isPossible(tokens: Tokens | undefined): boolean {
    return this.#isMachine || tokens?.refreshToken !== undefined;
  }

  /** Begins one where the end is near; meanwhile calls go out with what is good still. */
  ahead(tokens: Tokens & { readonly expiresAt: number }): void {
    const { clock, log, place } = this.#options;
    const { expiresAt, obtainedAt } = tokens;
    const isNear = expiresAt - Date.now() < Math.min(AHEAD_MS, (expiresAt - obtainedAt) / 5);
    if (!isNear || !this.isPossible(tokens) || clock.now() < this.#notBefore) return;
    this.#notBefore = clock.now() + PAUSE_MS;
    this.now(tokens).catch((error: unknown) => {
      const why = error instanceof Error ? error.message : '';
      log.debug({ server: place.server, why }, 'a login could not be renewed yet');
    });
  }

  /** Unless the last one failed a moment ago. @throws as `now` */
  async soon(before: Tokens | undefined): Promise<void> {
    const { clock, demand } = this.#options;
    if (!this.isPossible(before)) demand.make('needs a new login: the last one has expired. Run:');
    if (clock.now() < this.#notBefore && this.#trouble) throw this.#trouble;
    await this.now(before);
  }

  /** @throws ProxyError `LOGIN_REQUIRED`, or `DOWNSTREAM_UNAVAILABLE` where trying again could help */
  now(before: Tokens | undefined): Promise<void> {
    const { held, demand, log, place } = this.#options;
    return held.locked(async () => {
      try {
        await held.read();
        const { tokens } = held;
        // Another process was faster: with rotating refresh tokens a second renewal would end both.
        if (tokens && tokens.accessToken !== before?.accessToken && !isExpired(tokens)) return;
        if (!this.isPossible(tokens)) demand.make('needs a login. Run:');
        await held.keep(await this.#obtain(tokens));
        this.#trouble = undefined;
        this.#failures = 0;
        log.info({ server: place.server }, 'the login was renewed');
      } catch (error) {
        throw error instanceof ProxyError ? error : await this.#failed(error, before);
      }
    });
  }

  get #isMachine(): boolean {
    return this.#options.place.settings.grant === 'client-credentials';
  }

  async #obtain(tokens: Tokens | undefined): Promise<LoginRecord> {
    const { place, held, wanted } = this.#options;
    const { refreshLogin, machineLogin } = await import('./login-steps.ts');
    if (this.#isMachine) {
      const { challenge, scope } = wanted();
      return machineLogin(place, challenge, scope, held.record);
    }
    if (!held.record || !tokens) throw new Error('nothing to renew');
    return refreshLogin(place, held.record, tokens);
  }

  async #failed(error: unknown, before: Tokens | undefined): Promise<ProxyError> {
    const { clock, log, place } = this.#options;
    const { server } = place;
    const { AskedToWait, troubleOf } = await import('./login-steps.ts');
    const { kind, says } = await troubleOf(error);
    log.warn({ server, why: says }, 'the login could not be renewed');
    if (kind !== 'passing') await this.#givenUp(before, says, kind === 'ended');
    const pause = Math.min(PAUSE_MS * 2 ** this.#failures++, LONGEST_PAUSE_MS);
    const asked = error instanceof AskedToWait ? Math.min(error.ms, LONGEST_WAIT_MS) : 0;
    this.#notBefore = clock.now() + Math.max(pause, asked);
    this.#trouble = new ProxyError('DOWNSTREAM_UNAVAILABLE', {
      message: `"${server}" could not be asked: its login could not be renewed, for ${says}.`,
      server,
      delivered: false,
      cause: error,
    });
    return this.#trouble;
  }

  /** Nothing but a new login helps; unless the store has got another one meanwhile. */
  async #givenUp(before: Tokens | undefined, says: string, ended: boolean): Promise<void> {
    const { held, demand, place } = this.#options;
    await held.read();
    const { record, tokens } = held;
    if (tokens && tokens.accessToken !== before?.accessToken) return;
    if (record && tokens && ended) await held.keep({ ...record, tokens: undefined });
    if (this.#isMachine)
      demand.make(
        `gave no login to this machine: ${says}. Check "auth" in the config of "${place.server}"; then run:`,
      );
    demand.make(`needs a new login: the last one could not be renewed (${says}). Run:`);
  }
}
