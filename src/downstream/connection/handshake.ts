/**
 * The handshake with a downstream, in whichever era it turns out to speak.
 *
 * On transports that both eras share, `initialize` goes first: some legacy servers exit on a method they do not
 * know. Over HTTP the modern request goes first. Only a proper answer, or the demand for a login, settles the matter:
 * whatever else comes tells neither the era nor the health of a server, and leads to one try of the other way.
 */
import type { Era } from '../../core/call.ts';
import type { Clock } from '../../core/clock.ts';
import { ProxyError, RpcError } from '../../core/errors.ts';
import { at, type Json, isObject, stringAt } from '../../json/json.ts';
import {
  eraOf,
  eraOfServer,
  LATEST_LEGACY,
  LATEST_MODERN,
  META_SERVER_INFO,
} from '../../protocol/revisions.ts';
import { EndpointNamed, HttpStatusError } from '../../transport/http-client/errors.ts';
import type { OpenLink } from '../../transport/link.ts';
import type { Transports, HttpLinks, OneLink } from '../transports.ts';
import type { Connection } from './connection.ts';
import { envelopeFor } from './own-requests.ts';
import type { Agreement } from './pages.ts';
import { Dial } from './dial.ts';
import type { ClientIdentity } from './client-info.ts';
import type { Tried } from './tried-eras.ts';
import { otherVersions } from './version-agreement.ts';

export interface HandshakeOptions {
  readonly server: string;
  readonly transports: Transports;
  /** A revision from the config, or `auto`. */
  readonly protocol: string;
  /** The era that was found last time; a wrong one costs a round trip. */
  readonly remembered: Era | undefined;
  /** The legacy revision that the server had to be asked for last time, as it refused the newest. */
  readonly rememberedVersion: string | undefined;
  /** The identity that the server is told; over stdio it waits for the client's `initialize`. */
  readonly identity: () => Promise<ClientIdentity>;
  readonly connect: (open: OpenLink) => Connection;
  /** Collects the ways that failed. */
  readonly tried: Tried;
  readonly connectTimeoutMs: number;
  readonly clock: Clock;
}

export interface HandshakeResult {
  readonly connection: Connection;
  /** The legacy revision that the server had to be asked for, as it refused the newest. */
  readonly onlyVersion?: string | undefined;
}

/** Servers that do not know a question may leave it unanswered: the other way is not kept waiting for them. */
const PROBE_MS = 3000;

type Way = (dial: Dial, options: HandshakeOptions) => Promise<HandshakeResult>;

/** @throws ProxyError | RpcError where no handshake succeeds; the connection is closed then. */
export async function handshake(options: HandshakeOptions): Promise<HandshakeResult> {
  const { transports } = options;
  return transports.kind === 'one'
    ? handshakeOnOneLink(options, transports)
    : handshakeOverHttp(options, transports);
}

async function handshakeOnOneLink(
  options: HandshakeOptions,
  { open, remote }: OneLink,
): Promise<HandshakeResult> {
  const { protocol, remembered, connectTimeoutMs } = options;
  // A program that is started may take any time until it reads, and is not started twice for that.
  const limitMs = protocol === 'auto' && remote ? connectTimeoutMs / 2 : undefined;
  try {
    return await over(open, eitherWay, options, limitMs);
  } catch (error) {
    const outdated = remembered === 'modern' && !(error instanceof RpcError);
    if (protocol !== 'auto' || !(outdated || isTimeout(error))) throw error;
    // The remembered era may be out of date, and some servers exit or are silent at a method that they do not know.
    const other = remembered === 'modern' ? undefined : 'modern';
    return over(open, eitherWay, { ...options, remembered: other });
  }
}

async function eitherWay(dial: Dial, options: HandshakeOptions): Promise<HandshakeResult> {
  const { protocol, tried } = options;
  const legacyFirst = preferredEra(options, 'legacy') === 'legacy';
  const [first, second] = legacyFirst ? [initialize, discover] : [discover, initialize];
  try {
    return await first(dial, options);
  } catch (error) {
    if (protocol !== 'auto' || dial.closed || !maySpeakOther(error)) throw error;
    tried.add(legacyFirst ? 'initialize' : 'server/discover', error);
  }
  try {
    return await second(dial, options);
  } catch (error) {
    tried.add(legacyFirst ? 'server/discover' : 'initialize', error);
    throw tried.error(error);
  }
}

async function handshakeOverHttp(options: HandshakeOptions, transports: HttpLinks): Promise<HandshakeResult> {
  const { tried } = options;
  const mayBeOther = (error: unknown): boolean => options.protocol === 'auto' && maySpeakOther(error);
  const legacy = (): Promise<HandshakeResult> => legacyHandshake(options, transports);
  const modern = (limitMs?: number): Promise<HandshakeResult> =>
    over(transports.modern, discover, options, limitMs);

  if (preferredEra(options, 'modern') === 'legacy')
    return legacy().catch((error: unknown) => {
      if (!mayBeOther(error)) throw error;
      // The remembered era may be out of date. Where it is not, this is the error that tells.
      return modern().catch((second: unknown) => {
        throw isLogin(second) ? second : error;
      });
    });

  let silent = false;
  try {
    return await modern(probeMs(options));
  } catch (error) {
    if (!mayBeOther(error)) throw error;
    silent = isTimeout(error);
    tried.add('server/discover', error);
  }
  return legacy().catch((error: unknown) => {
    if (!silent || !maySpeakOther(error)) throw error;
    // The server may be a modern one that has to wake up first.
    return modern().catch(() => {
      throw error;
    });
  });
}

/** The handshake of the legacy era, whose oldest revision had another transport. */
async function legacyHandshake(options: HandshakeOptions, transports: HttpLinks): Promise<HandshakeResult> {
  const { tried } = options;
  const { sse, legacy, namedForSse } = transports;
  if (sse === undefined || !tried.endpointNamed)
    try {
      return await over(legacy, initialize, options, sse && namedForSse ? probeMs(options) : undefined);
    } catch (error) {
      tried.add('initialize', error);
      const older = namedForSse || tried.endpointNamed || transports.saysOlder(error);
      if (sse === undefined || !older || !maySpeakOther(error)) throw tried.error(error);
    }
  try {
    return await over(sse, initialize, options);
  } catch (error) {
    tried.add('the older SSE transport', error);
    throw tried.error(error);
  }
}

/** @param limitMs how long it may take; without it, as long as the whole handshake may. */
async function over(
  open: OpenLink,
  way: Way,
  options: HandshakeOptions,
  limitMs?: number,
): Promise<HandshakeResult> {
  const dial = new Dial(() => options.connect(open), options.transports.kind === 'one');
  let stop: () => void = () => {};
  try {
    await options.identity();
    const handshakeDone = way(dial, options);
    if (limitMs === undefined) return await handshakeDone;
    const late = new Promise<never>((_, reject) => {
      stop = options.clock.after(limitMs, () => reject(silence(options, limitMs)));
    });
    return await Promise.race([handshakeDone, late]);
  } catch (error) {
    // The error tells what happened; the transport reports its own end through its events.
    dial.close();
    throw error;
  } finally {
    stop();
  }
}

/** A server that is known to speak so may have to wake up first. */
function probeMs({ protocol, remembered, connectTimeoutMs }: HandshakeOptions): number | undefined {
  if (protocol !== 'auto') return undefined;
  return remembered === 'modern' ? connectTimeoutMs / 2 : Math.min(PROBE_MS, connectTimeoutMs / 3);
}

function preferredEra({ protocol, remembered }: HandshakeOptions, first: Era): Era {
  return eraOf(protocol) ?? remembered ?? first;
}

/** Tries the newest revision; where that is refused, those that the server names or is likely to know. */
async function initialize(dial: Dial, options: HandshakeOptions): Promise<HandshakeResult> {
  const { protocol, rememberedVersion } = options;
  const identity = await options.identity();
  const auto = protocol === 'auto';
  const first = auto ? (rememberedVersion ?? LATEST_LEGACY) : protocol;
  const ask = (version: string): Promise<HandshakeResult> => initializeIn(version, dial, identity, options);
  try {
    return await ask(first);
  } catch (refusal) {
    const others = auto ? otherVersions(refusal, first, identity.protocolVersion) : [];
    for (const version of others) {
      dial.again();
      try {
        return await ask(version).catch((error: unknown) => {
          // The server has hung up after its refusal.
          if (!dial.closed || error instanceof RpcError) throw error;
          dial.again();
          return ask(version);
        });
      } catch (error) {
        if (otherVersions(error, version, undefined).length === 0) throw error;
      }
    }
    throw refusal;
  }
}

async function initializeIn(
  asked: string,
  dial: Dial,
  identity: ClientIdentity,
  options: HandshakeOptions,
): Promise<HandshakeResult> {
  const { connection } = dial;
  const result = await connection.request('initialize', {
    protocolVersion: asked,
    capabilities: identity.capabilities,
    clientInfo: identity.info,
  });
  const protocolVersion = stringAt(result.value, 'protocolVersion');
  if (protocolVersion === undefined || eraOfServer(protocolVersion) !== 'legacy')
    throw unusable(options, `it chose the protocol version ${JSON.stringify(protocolVersion ?? null)}`);
  connection.agree({ era: 'legacy', ...helloFrom(result, protocolVersion, at(result.value, 'serverInfo')) });
  connection.notify('notifications/initialized');
  const byConfig = options.protocol !== 'auto';
  return { connection, onlyVersion: byConfig || asked === LATEST_LEGACY ? undefined : asked };
}

async function discover({ connection }: Dial, options: HandshakeOptions): Promise<HandshakeResult> {
  const identity = await options.identity();
  connection.agree({ ...NOTHING_YET, era: 'modern' });
  const result = await connection.request('server/discover', { _meta: envelopeFor(identity) });
  const supported = at(result.value, 'supportedVersions');
  if (!Array.isArray(supported) || !supported.includes(LATEST_MODERN))
    throw unusable(options, `it supports the protocol versions ${JSON.stringify(supported ?? null)}`);
  const info = at(result.value, '_meta', META_SERVER_INFO) ?? at(result.value, 'serverInfo');
  connection.agree({ era: 'modern', ...helloFrom(result, LATEST_MODERN, info) });
  return { connection };
}

const NOTHING_YET: Omit<Agreement, 'era'> = {
  protocolVersion: LATEST_MODERN,
  serverInfo: undefined,
  capabilities: {},
  instructions: undefined,
};

function helloFrom(result: Json, protocolVersion: string, info: unknown): Omit<Agreement, 'era'> {
  const capabilities = at(result.value, 'capabilities');
  return {
    protocolVersion,
    serverInfo: isObject(info) ? info : undefined,
    capabilities: isObject(capabilities) ? capabilities : {},
    instructions: stringAt(result.value, 'instructions'),
  };
}

/** The other way is not tried after the demand for a login, which holds for both, nor where no server was reached. */
function maySpeakOther(error: unknown): boolean {
  if (!(error instanceof ProxyError)) return error instanceof RpcError;
  if (error.code === 'LOGIN_REQUIRED' || error.code === 'CANCELLED') return false;
  const { cause } = error;
  const answered = cause instanceof HttpStatusError || cause instanceof EndpointNamed;
  return error.code !== 'DOWNSTREAM_UNAVAILABLE' || answered;
}

function isLogin(error: unknown): boolean {
  return error instanceof ProxyError && error.code === 'LOGIN_REQUIRED';
}

function isTimeout(error: unknown): boolean {
  return error instanceof ProxyError && error.code === 'TIMEOUT';
}

function silence({ server }: HandshakeOptions, ms: number): ProxyError {
  const message = `"${server}" did not answer within ${Math.round(ms)} ms.`;
  return new ProxyError('TIMEOUT', { message, server, delivered: 'unknown' });
}

function unusable({ server, protocol }: HandshakeOptions, why: string): ProxyError {
  const hint = protocol === 'auto' ? '' : ` "protocol" in its config asks for ${protocol}.`;
  return new ProxyError('PROTOCOL_ERROR', {
    message: `"${server}" cannot be used: ${why}, which this proxy does not speak.${hint}`,
    server,
    delivered: false,
  });
}
