/** Settings of a login that do not fit together. Pure. */
import type { authKeys } from '../schema/auth-keys.ts';
import type { InputOf } from '../schema/reader.ts';
import type { ServerProblem } from './server-problem.ts';

export function authProblems(
  input: InputOf<typeof authKeys> | undefined,
  headers: ReadonlyMap<string, string>,
): readonly ServerProblem[] {
  if (!input) return [];
  const problems: ServerProblem[] = [];
  const tell = (path: readonly string[], message: string): void => {
    problems.push({ path, message });
  };
  if ([...headers.keys()].some((name) => name.toLowerCase() === 'authorization'))
    tell(['auth'], 'is of no use beside an "Authorization" header. Remove one of them.');
  const { grant, clientId, clientSecret, privateKey } = input;
  if (clientSecret !== undefined && clientId === undefined)
    tell(['auth', 'clientSecret'], 'belongs to a client. Add "clientId".');
  if (grant === 'client-credentials' && clientId === undefined)
    tell(['auth', 'grant'], 'is for a client that the authorization server knows. Add "clientId".');
  if (grant === 'client-credentials' && clientSecret === undefined && privateKey === undefined)
    tell(
      ['auth', 'grant'],
      'needs something that proves who the client is. Add "clientSecret" or "privateKey".',
    );
  if (privateKey !== undefined && grant !== 'client-credentials')
    tell(['auth', 'privateKey'], 'is for machines. Add "grant": "client-credentials".');
  return problems;
}
