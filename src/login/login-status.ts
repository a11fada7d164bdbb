/** A login as people are told of it: never a token. */
import type { Tokens } from './store/login-record.ts';

export interface LoginStatus {
  readonly state: 'logged in' | 'login required' | 'not needed';
  /** The client of `http.tokens` whose login it is; none for the login of this machine's user. */
  readonly client?: string;
  /** When the access token ends, ISO 8601. */
  readonly until?: string;
  /** It is renewed then without anybody being asked. */
  readonly renews?: boolean;
  /** The command to log in with. */
  readonly command?: string;
}

export interface KnownLogin {
  readonly who: string;
  /** There where somebody has to log in. */
  readonly command: string | undefined;
  readonly tokens: Tokens | undefined;
  readonly renews: boolean;
}

export function loginStatus({ who, command, tokens, renews }: KnownLogin): LoginStatus {
  const whose = who === '' ? {} : { client: who };
  if (command !== undefined) return { state: 'login required', ...whose, command };
  if (!tokens) return { state: 'not needed', ...whose };
  const { expiresAt } = tokens;
  return {
    state: 'logged in',
    ...whose,
    ...(expiresAt !== undefined && { until: new Date(expiresAt).toISOString() }),
    renews,
  };
}
