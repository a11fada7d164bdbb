/**
 * Who may talk to us over HTTP: the `Host` and `Origin` of a request, and its bearer token.
 *
 * `Host` keeps out pages whose name was rebound to our address, `Origin` other web pages; programs send no
 * Origin. Tokens say who it is.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { isIP } from 'node:net';
import type { Refusal } from './refusal.ts';

export interface HttpGuardOptions {
  /** The address or name to bind to. */
  readonly host: string;
  readonly tokens: ReadonlyMap<string, string>;
  readonly allowedOrigins: readonly string[];
  /** With a port only that port, without one any. */
  readonly allowedHosts: readonly string[];
}

export interface HttpGuard {
  /** @param localAddress where the connection came in; asked only if nothing else fits. */
  checkHost(host: string | undefined, localAddress: () => string | undefined): Refusal | undefined;
  checkOrigin(origin: string): Refusal | undefined;
  /** @returns the token's owner, `local` where no tokens are set. */
  principalOf(authorization: string | undefined): string | Refusal;
}

/** Who everybody is where no tokens are set. */
const LOCAL_PRINCIPAL = 'local';

/**
 * @throws Error that names the setting: a bind beyond loopback without tokens, an empty token, or one that
 * two owners share.
 */
export function buildGuard(options: HttpGuardOptions): HttpGuard {
  const bindsLoopback = isLoopback(options.host);
  if (!bindsLoopback && options.tokens.size === 0)
    throw new Error(
      `Switchyard refuses to listen on "${options.host}", beyond this machine, without tokens: ` +
        'set http.tokens, or bind to 127.0.0.1.',
    );
  const owners = hashTokens(options.tokens);
  const named = [asHost(options.host), ...options.allowedHosts.map(asSent)];
  // An empty name would let in requests without a Host.
  const hosts = new Set([...LOOPBACK_NAMES, ...named.filter((name) => name !== '')]);
  const origins = new Set(options.allowedOrigins.map(originOf));
  return {
    checkHost(host = '', localAddress) {
      const given = withoutDot(lower(host));
      if (hosts.has(given)) return undefined;
      const name = given.replace(/:\d*$/, '');
      if (hosts.has(name)) return undefined;
      // Nobody sends the usual ports.
      if (name === given && USUAL_PORTS.some((port) => hosts.has(`${name}:${port}`))) return undefined;
      // Bound to every address: the one that the connection came in by cannot be a rebound name.
      if (isIP(name.replace(/^\[|\]$/g, '')) > 0 && name === asHost(localAddress() ?? '')) return undefined;
      return forbidden(`The host ${JSON.stringify(host)} is not served here: add it to http.allowedHosts.`);
    },
    checkOrigin(origin) {
      const given = lower(origin);
      // Browsers write every origin in ASCII; what is not could not be written back into a header field.
      const known = origins.has(given) && ASCII.test(given);
      // Other programs' pages on this machine count as its user's, as in the official SDKs; but only as long
      // as nobody else's browser can reach us.
      if (known || (bindsLoopback && LOOPBACK_ORIGIN.test(given))) return undefined;
      return forbidden(
        `Pages of the origin ${JSON.stringify(origin)} may not call: add it to http.allowedOrigins.`,
      );
    },
    principalOf(authorization) {
      return owners.length === 0 ? LOCAL_PRINCIPAL : ownerOf(owners, authorization);
    },
  };
}

/** Tells whether an address or name to bind to can be reached from this machine only. */
function isLoopback(host: string): boolean {
  const name = bare(host);
  return name === 'localhost' || name === '::1' || (isIP(name) === 4 && name.startsWith('127.'));
}

/** As it stands in a URL or `Host`: IPv6 in brackets, an IPv4 address mapped into IPv6 as IPv4. */
export function asHost(address: string): string {
  const name = bare(address).replace(/^::ffff:(?=\d+\.)/, '');
  return isIP(name) === 6 ? `[${name}]` : name;
}

/** A host from the config, as a client sends it: people write whole addresses, and names that are not ASCII. */
function asSent(host: string): string {
  const address = /^https?:\/\//i.test(host) ? host : `http://${host}`;
  if (host === '' || !URL.canParse(address)) return withoutDot(lower(host));
  const { hostname } = new URL(address);
  const port = /:(\d+)(?:\/|$)/.exec(host)?.[1];
  const name = withoutDot(hostname);
  return port === undefined ? name : `${name}:${port}`;
}

/** The dot that ends a full name, which some clients leave on. */
function withoutDot(host: string): string {
  return host.replace(/\.(?=:\d*$|$)/, '');
}

function originOf(text: string): string {
  const { origin } = URL.canParse(text) ? new URL(text) : { origin: 'null' };
  // An origin that only some applications have is kept as it was written.
  return origin === 'null' ? lower(text).replace(/\/$/, '') : origin;
}

const USUAL_PORTS = ['80', '443'];
const LOOPBACK_NAMES = ['localhost', '127.0.0.1', '[::1]'];
const ASCII = /^[\x21-\x7e]*$/;
const LOOPBACK_ORIGIN = /^https?:\/\/(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/;

interface Owner {
  readonly who: string;
  readonly hash: Buffer;
}

function hashTokens(tokens: ReadonlyMap<string, string>): Owner[] {
  const seen = new Map<string, string>();
  return [...tokens].map(([who, token]) => {
    if (token.trim() === '') throw new Error(`http.tokens.${who} is empty: every token needs a value.`);
    const other = seen.get(token);
    if (other !== undefined)
      throw new Error(
        `http.tokens: "${other}" and "${who}" have the same token, so nobody could tell who calls.`,
      );
    seen.set(token, who);
    return { who, hash: sha256(Buffer.from(token)) };
  });
}

function ownerOf(owners: readonly Owner[], authorization: string | undefined): string | Refusal {
  const token = /^bearer +(\S+) *$/i.exec(authorization ?? '')?.[1];
  if (token === undefined)
    return unauthorized('This proxy needs a token: send "Authorization: Bearer TOKEN".', '');
  // Node reads header bytes as Latin-1; the configured token is UTF-8.
  const given = sha256(Buffer.from(token, 'latin1'));
  let found: string | undefined;
  // Every hash is compared, so that the time tells nothing.
  for (const { who, hash } of owners) if (timingSafeEqual(given, hash)) found = who;
  return found ?? unauthorized('This token is not known here (http.tokens).', ', error="invalid_token"');
}

function sha256(bytes: Buffer): Buffer {
  return createHash('sha256').update(bytes).digest();
}

function unauthorized(message: string, detail: string): Refusal {
  return { status: 401, message, headers: { 'www-authenticate': `Bearer realm="switchyard"${detail}` } };
}

function forbidden(message: string): Refusal {
  return { status: 403, message };
}

function bare(host: string): string {
  return lower(host).replace(/^\[|\]$/g, '');
}

function lower(text: string): string {
  return text.toLowerCase();
}
