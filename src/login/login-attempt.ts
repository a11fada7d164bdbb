/** One attempt of a person to log in: an address to open, and the browser's answer to wait for; five minutes long. */
import { randomBytes } from 'node:crypto';
import type { Clock } from '../core/clock.ts';
import { messageOf } from '../core/errors.ts';
import type { Challenge } from './oauth/challenge.ts';
import { type Authority, discover } from './oauth/discovery.ts';
import { type FetchGuard, openGuard } from './oauth/guarded-fetch.ts';
import { LoginFailure, shortText } from './login-failure.ts';
import type { LoginRecord, Registration } from './store/login-record.ts';
import type { LoginPlace } from './settings.ts';
import { isSame, listenForRedirect, type RedirectListener } from './oauth/redirect-listener.ts';
import { registrationAt } from './oauth/registration.ts';
import { authorizationRequest, checkIssuer, redeemCode, scopeFor } from './oauth/token-requests.ts';
import { troubleOf } from './trouble.ts';

const LOGIN_MS = 5 * 60_000;

export interface LoginAttempt {
  /** To be opened in the person's browser. */
  readonly url: URL;
  /** @throws LoginFailure */
  readonly done: Promise<LoginRecord>;
  /** Takes the address that the browser was sent to, where it runs on another machine. @returns a sentence for the person. */
  answer(address: string): Promise<string>;
  cancel(): void;
}

export interface LoginAttemptOptions extends LoginPlace {
  readonly challenge: Challenge;
  /** The scopes that are needed, where these are known to be more than the server's usual ones. */
  readonly scope: string | undefined;
  readonly known: LoginRecord | undefined;
  /** Keeps it before the person is told that all went well. */
  readonly keep: (record: LoginRecord) => Promise<void>;
  readonly clock: Clock;
}

/** @throws LoginFailure | Blocked | Error where it cannot even be begun. */
export async function beginLogin(options: LoginAttemptOptions): Promise<LoginAttempt> {
  const { url, settings, env } = options;
  const guard = openGuard({ server: url, allowPrivateAddresses: settings.allowPrivateAddresses, env });
  const attempt = new Attempt(options, guard);
  try {
    await attempt.begin();
    return attempt;
  } catch (error) {
    attempt.end();
    throw error;
  }
}

class Attempt implements LoginAttempt {
  readonly done: Promise<LoginRecord>;
  readonly #options: LoginAttemptOptions;
  readonly #guard: FetchGuard;
  readonly #state = randomBytes(32).toString('base64url');
  #resolve: (record: LoginRecord) => void = () => {};
  #reject: (error: Error) => void = () => {};
  #listener: RedirectListener | undefined;
  #cancelTimer: (() => void) | undefined;
  #begun:
    | {
        readonly authority: Authority;
        readonly registration: Registration;
        readonly url: URL;
        readonly codeVerifier: string;
        readonly scope: string | undefined;
      }
    | undefined;
  #answered = false;

  constructor(options: LoginAttemptOptions, guard: FetchGuard) {
    this.#options = options;
    this.#guard = guard;
    this.done = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.done.catch(() => {
      // Whoever waits for it hears of it; nobody may.
    });
  }

  get url(): URL {
    if (!this.#begun) throw new Error('not begun');
    return this.#begun.url;
  }

  async begin(): Promise<void> {
    const { settings, challenge, known, url, clock } = this.#options;
    const authority = await discover(url, challenge, settings, this.#guard);
    const scope = this.#options.scope ?? scopeFor(authority, settings, challenge.scope);
    this.#listener = await listenForRedirect({
      redirectUri: settings.redirectUri ?? known?.registration.redirectUri,
      fixed: settings.redirectUri !== undefined,
      state: this.#state,
      answered: (params) => this.#take(params),
    }).catch((error: unknown) => {
      throw new LoginFailure(
        `no page can be opened on this machine for the browser's answer (${messageOf(error)}). Is "auth.redirectUri" in use by another program?`,
      );
    });
    const { redirectUri } = this.#listener;
    const registration = await registrationAt(authority, settings, known, {
      redirectUri,
      scope,
      guard: this.#guard,
    });
    const request = await authorizationRequest(authority, registration, {
      scope,
      state: this.#state,
      redirectUri,
    });
    await this.#guard.check(request.url);
    this.#begun = { authority, registration, scope, ...request };
    this.#cancelTimer = clock.after(LOGIN_MS, () =>
      this.#fail(new LoginFailure('nobody logged in within five minutes')),
    );
  }

  async answer(address: string): Promise<string> {
    const params = URL.canParse(address.trim())
      ? new URL(address.trim()).searchParams
      : new URLSearchParams();
    if (!isSame(params.get('state') ?? '', this.#state))
      throw new LoginFailure('that is not the address that this login ends at');
    return this.#take(params);
  }

  cancel(): void {
    this.#fail(new LoginFailure('the login was cancelled'));
  }

  end(): void {
    this.#cancelTimer?.();
    this.#listener?.close();
    void this.#guard.close();
  }

  async #take(params: URLSearchParams): Promise<string> {
    const { server, url, who, keep } = this.#options;
    if (!this.#begun || this.#answered) throw new LoginFailure('this login is over');
    this.#answered = true;
    const { authority, registration, codeVerifier, scope } = this.#begun;
    try {
      const iss = params.get('iss') ?? undefined;
      // First whose answer it is: the texts of another server's are not shown.
      await checkIssuer(authority, iss);
      const code = params.get('code');
      if (code === null) throw new LoginFailure(`the login was refused: ${refusalIn(params)}`);
      const redirectUri = this.#listener?.redirectUri ?? '';
      const tokens = await redeemCode(
        authority,
        registration,
        { code, iss, codeVerifier, redirectUri, scope },
        this.#guard,
      );
      const { issuer, resourceMetadataUrl } = authority;
      const session = randomBytes(9).toString('base64url');
      const about = { server, url: url.href, who, issuer, session, resourceMetadataUrl };
      const record = { ...about, registration, tokens };
      await keep(record);
      this.#resolve(record);
      this.end();
      return `You are logged in to ${server}. This window can be closed.`;
    } catch (error) {
      const failure = new LoginFailure((await troubleOf(error)).says);
      this.#fail(failure);
      throw failure;
    }
  }

  #fail(error: LoginFailure): void {
    this.#reject(error);
    this.end();
  }
}

function refusalIn(params: URLSearchParams): string {
  const error = params.get('error') ?? 'no reason given';
  const description = params.get('error_description');
  return shortText(description === null ? error : `${error} (${description})`);
}
