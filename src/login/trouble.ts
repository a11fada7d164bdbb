/** A login's failure tells the program whether trying again helps, and people a few words. */
import { messageOf } from '../core/errors.ts';
import { AskedToWait } from './oauth/guarded-fetch.ts';
import { LoginFailure, shortText } from './login-failure.ts';

/** `ended`: the authorization server knows the login no more. `refused`: for now; nobody but a person can help. */
export type LoginTrouble = 'ended' | 'refused' | 'passing';

/** Tells what a failed renewal means for a login, and its cause in words for people. */
export async function troubleOf(
  error: unknown,
): Promise<{ readonly kind: LoginTrouble; readonly says: string }> {
  if (error instanceof AskedToWait) return { ...(await troubleOf(error.cause)), kind: 'passing' };
  const { OAuthError, OAuthClientFlowError } = await import('@modelcontextprotocol/client');
  if (error instanceof OAuthError) {
    const kind = PASSING.has(error.code) ? 'passing' : 'ended';
    const code = /^[a-z_]{1,40}$/.test(error.code) ? error.code : 'an error of its own';
    return { kind, says: `its authorization server answered ${code}` };
  }
  if (error instanceof LoginFailure || error instanceof OAuthClientFlowError || error instanceof TypeError)
    return { kind: 'refused', says: shortText(error.message) };
  // Of what cannot be read nothing is shown: it may have a token in it.
  const isUnreadable = error instanceof SyntaxError || (error instanceof Error && error.name === 'ZodError');
  const why = isUnreadable ? 'its answer makes no sense' : messageOf(error);
  return { kind: 'passing', says: `its authorization server could not be asked: ${shortText(why)}` };
}

const PASSING: ReadonlySet<string> = new Set([
  'server_error',
  'temporarily_unavailable',
  'too_many_requests',
]);
