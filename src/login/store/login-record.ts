/** One stored login: who gave the tokens, to which client registration, for which server and person. */
import { createHash } from 'node:crypto';
import { at, isObject, stringAt } from '../../json/json.ts';

export interface LoginRecord {
  /** The config key under which it was made. */
  readonly server: string;
  readonly url: string;
  /** Whose it is: the name of a client of `http.tokens`; empty for the user of this machine. */
  readonly who: string;
  /** The authorization server that all of it is bound to. */
  readonly issuer: string;
  /** Differs from login to login; stays the same through renewals. */
  readonly session: string;
  readonly resourceMetadataUrl: string | undefined;
  readonly registration: Registration;
  readonly tokens: Tokens | undefined;
}

export interface Registration {
  readonly clientId: string;
  readonly clientSecret: string | undefined;
  /** The client's way to prove itself, where the registration says one. */
  readonly authMethod: string | undefined;
  readonly redirectUri: string | undefined;
  /** The scopes that the client was registered for; it may not get more. */
  readonly scope?: string | undefined;
}

export interface Tokens {
  readonly accessToken: string;
  readonly refreshToken: string | undefined;
  /** The scopes that were granted, where the authorization server says. */
  readonly scope: string | undefined;
  /** The scopes that were asked for. */
  readonly requestedScope: string | undefined;
  /** Time of day, milliseconds. */
  readonly obtainedAt: number;
  readonly expiresAt: number | undefined;
}

/** Names the record: one for each address, person and configured client. */
export function loginId(url: string, who: string, clientId: string | undefined): string {
  const address = new URL(url);
  address.hash = address.username = address.password = '';
  const text = JSON.stringify([address.href, who, clientId ?? '']);
  return createHash('sha256').update(text).digest('base64url').slice(0, 32);
}

/** The part that others must not read. */
export interface LoginSecrets {
  readonly clientSecret?: string | undefined;
  readonly accessToken?: string | undefined;
  readonly refreshToken?: string | undefined;
}

export function secretsOf({ registration, tokens }: LoginRecord): LoginSecrets {
  return {
    clientSecret: registration.clientSecret,
    accessToken: tokens?.accessToken,
    refreshToken: tokens?.refreshToken,
  };
}

/** The rest, as it is printed. */
export function withoutSecrets(record: LoginRecord): object {
  const { registration, tokens } = record;
  return {
    ...record,
    registration: { ...registration, clientSecret: undefined },
    tokens: tokens && {
      ...tokens,
      accessToken: undefined,
      refreshToken: undefined,
      renewable: tokens.refreshToken !== undefined,
    },
  };
}

/** @returns `undefined` for what is not one of ours. */
export function recordFrom(stored: unknown, secrets: unknown): LoginRecord | undefined {
  const [server, url, who, issuer] = ['server', 'url', 'who', 'issuer'].map((key) => stringAt(stored, key));
  const clientId = stringAt(at(stored, 'registration'), 'clientId');
  if (server === undefined || url === undefined || who === undefined || issuer === undefined)
    return undefined;
  if (clientId === undefined) return undefined;
  const registration = at(stored, 'registration');
  return {
    server,
    url,
    who,
    issuer,
    session: stringAt(stored, 'session') ?? '',
    resourceMetadataUrl: stringAt(stored, 'resourceMetadataUrl'),
    registration: {
      clientId,
      clientSecret: stringAt(secrets, 'clientSecret'),
      authMethod: stringAt(registration, 'authMethod'),
      redirectUri: stringAt(registration, 'redirectUri'),
      scope: stringAt(registration, 'scope'),
    },
    tokens: tokensFrom(at(stored, 'tokens'), secrets),
  };
}

function tokensFrom(stored: unknown, secrets: unknown): Tokens | undefined {
  const accessToken = stringAt(secrets, 'accessToken');
  if (!isObject(stored) || accessToken === undefined) return undefined;
  const expiresAt = at(stored, 'expiresAt');
  const obtainedAt = at(stored, 'obtainedAt');
  return {
    accessToken,
    refreshToken: stringAt(secrets, 'refreshToken'),
    scope: stringAt(stored, 'scope'),
    requestedScope: stringAt(stored, 'requestedScope'),
    obtainedAt: typeof obtainedAt === 'number' ? obtainedAt : 0,
    expiresAt: typeof expiresAt === 'number' ? expiresAt : undefined,
  };
}
