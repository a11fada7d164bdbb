/** How to log in at a remote server, with what holds where the entry says nothing. Pure. */
import type * as z from 'zod';
import type { auth } from './schema/auth-schema.ts';

export interface AuthConfig {
  /** A client registered beforehand. */
  readonly clientId?: string | undefined;
  readonly clientSecret?: string | undefined;
  /** Where this client describes itself. */
  readonly clientMetadataUrl?: string | undefined;
  /** Asked for instead of what the server names. */
  readonly scopes?: readonly string[] | undefined;
  /** Where the browser brings the answer: an address of this machine. */
  readonly redirectUri?: string | undefined;
  /** The only authorization server that may be used. */
  readonly issuer?: string | undefined;
  readonly grant: 'authorization-code' | 'client-credentials';
  /** PEM. */
  readonly privateKey?: string | undefined;
  readonly algorithm?: string | undefined;
  /** The operator's word that the login may lead to addresses that are not public. */
  readonly allowPrivateAddresses: boolean;
}

/** What is wrong within one entry. */
interface AuthProblem {
  readonly path: readonly string[];
  readonly message: string;
}

type AuthInput = z.output<typeof auth>;

export function readAuth(input: AuthInput | undefined): AuthConfig {
  return { grant: 'authorization-code', allowPrivateAddresses: false, ...input } as AuthConfig;
}

export function authProblems(
  input: AuthInput | undefined,
  headers: ReadonlyMap<string, string>,
): readonly AuthProblem[] {
  if (!input) return [];
  const problems: AuthProblem[] = [];
  const tell = (path: readonly string[], message: string): void => {
    problems.push({ path, message });
  };
  if ([...headers.keys()].some((name) => name.toLowerCase() === 'authorization'))
    tell(['auth'], 'is of no use beside an "Authorization" header. Remove one of them.');
  const { grant, clientId, clientSecret, privateKey, algorithm } = input;
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
  if (algorithm !== undefined && privateKey === undefined)
    tell(['auth', 'algorithm'], 'says how "privateKey" signs, and there is none.');
  return problems;
}
