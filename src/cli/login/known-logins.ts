/** The stored logins and their expiry, for people and for programs; tokens are never shown. */
import type { JsonObject } from '../../json/json.ts';
import type { LoginSummary } from '../../login/store/login-store.ts';

export function loginDocuments(logins: readonly LoginSummary[]): JsonObject[] {
  return logins.map(({ expiresAt, ...one }) => ({
    ...one,
    ...(expiresAt !== undefined && { until: new Date(expiresAt).toISOString() }),
  }));
}

/** Says until when a login lasts, or that somebody has to log in again. */
export function loginWords({ loggedIn, expiresAt, renewable }: LoginSummary): string {
  if (!loggedIn) return 'has to log in again';
  return expiresAt === undefined ? 'logged in' : lasts(new Date(expiresAt).toISOString(), renewable);
}

export function lasts(until: string, renews: boolean): string {
  return renews ? `renewed by itself (next ${until})` : `until ${until}`;
}
