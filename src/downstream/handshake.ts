/**
 * Finding out which era a downstream speaks, and greeting it in its own way.
 *
 * On carriers that both eras share, `initialize` goes first: some legacy servers exit on a method they do not
 * know. Over HTTP the modern request goes first and the answer tells; 401, 403 and 5xx say nothing about the era.
 */
import type { Era } from '../core/call.ts';
import {
  HEADER_MISMATCH,
  METHOD_NOT_FOUND,
  MISSING_CLIENT_CAPABILITY,
  ProxyError,
  RpcError,
  UNSUPPORTED_PROTOCOL_VERSION,
} from '../core/errors.ts';
import { at, type Json, isObject, stringAt } from '../core/json.ts';
import { eraOf, LATEST_LEGACY, LATEST_MODERN, META_SERVER_INFO } from '../protocol/revisions.ts';
import type { OpenLink } from '../transport/link.ts';
import type { Carriers } from './carriers.ts';
import { type Agreement, type Connection, envelopeFor } from './connection.ts';
import type { Greeting } from './greeting.ts';

export interface HandshakeOptions {
  readonly server: string;
  readonly carriers: Carriers;
  /** A revision from the config, or `auto`. */
  readonly protocol: string;
  /** What was found last time; a wrong one costs a round trip. */
  readonly remembered: Era | undefined;
  /** Who we say we are; over stdio this waits for our own client's `initialize`. */
  readonly greeting: () => Promise<Greeting>;
  readonly connect: (open: OpenLink) => Connection;
}

/** @throws ProxyError | RpcError where the server cannot be greeted; the connection is closed then. */
export async function greet(options: HandshakeOptions): Promise<Connection> {
  return options.carriers.kind === 'one'
    ? greetOnOneLink(options, options.carriers.open)
    : greetOverHttp(options);
}

async function greetOnOneLink(options: HandshakeOptions, open: OpenLink): Promise<Connection> {
  const { protocol, remembered } = options;
  try {
    return await greetOn(options.connect(open), options);
  } catch (error) {
    if (protocol !== 'auto' || remembered !== 'modern' || error instanceof RpcError) throw error;
    // What is remembered may be out of date, and some legacy servers exit at a method that they do not know.
    return greetOnOneLink({ ...options, remembered: undefined }, open);
  }
}

async function greetOn(connection: Connection, options: HandshakeOptions): Promise<Connection> {
  return closingOnError(connection, async () => {
    const greeting = await options.greeting();
    const legacyFirst = preferredEra(options, 'legacy') === 'legacy';
    const [first, second] = legacyFirst ? [initialize, discover] : [discover, initialize];
    try {
      await first(connection, greeting, options);
    } catch (error) {
      const other = legacyFirst ? speaksModern(error) : speaksLegacy(error);
      if (options.protocol !== 'auto' || !other) throw error;
      await second(connection, greeting, options);
    }
  });
}

async function greetOverHttp(options: HandshakeOptions): Promise<Connection> {
  const { carriers, protocol } = options;
  if (carriers.kind !== 'http') throw new Error('not HTTP');
  const greeting = await options.greeting();
  const over = (open: OpenLink, way: typeof initialize): Promise<Connection> => {
    const connection = options.connect(open);
    return closingOnError(connection, () => way(connection, greeting, options));
  };
  const legacy = async (): Promise<Connection> => {
    try {
      return await over(carriers.legacy, initialize);
    } catch (error) {
      if (carriers.sse === undefined || !carriers.saysOlder(error)) throw error;
      return over(carriers.sse, initialize);
    }
  };
  const maybeOther = (error: unknown): boolean =>
    protocol === 'auto' && (error instanceof RpcError || carriers.saysOlder(error));

  if (preferredEra(options, 'modern') === 'modern')
    try {
      return await over(carriers.modern, discover);
    } catch (error) {
      if (!maybeOther(error)) throw error;
      return legacy();
    }
  try {
    return await legacy();
  } catch (error) {
    if (!maybeOther(error)) throw error;
    // What is remembered may be out of date. Where it is not, this is the error that tells.
    return over(carriers.modern, discover).catch(() => {
      throw error;
    });
  }
}

function preferredEra({ protocol, remembered }: HandshakeOptions, first: Era): Era {
  return eraOf(protocol) ?? remembered ?? first;
}

async function closingOnError(connection: Connection, work: () => Promise<void>): Promise<Connection> {
  try {
    await work();
    return connection;
  } catch (error) {
    // The error tells what happened; the carrier reports its own end through its events.
    void connection.close();
    throw error;
  }
}

async function initialize(
  connection: Connection,
  greeting: Greeting,
  options: HandshakeOptions,
): Promise<void> {
  const asked = options.protocol === 'auto' ? LATEST_LEGACY : options.protocol;
  const result = await connection.request('initialize', {
    protocolVersion: asked,
    capabilities: greeting.capabilities,
    clientInfo: greeting.info,
  });
  const protocolVersion = stringAt(result.value, 'protocolVersion');
  if (protocolVersion === undefined || eraOf(protocolVersion) !== 'legacy')
    throw unusable(options, `it chose the protocol version ${JSON.stringify(protocolVersion ?? null)}`);
  connection.agree({ era: 'legacy', ...helloFrom(result, protocolVersion, at(result.value, 'serverInfo')) });
  connection.notify('notifications/initialized');
}

async function discover(
  connection: Connection,
  greeting: Greeting,
  options: HandshakeOptions,
): Promise<void> {
  connection.agree({ ...NOTHING_YET, era: 'modern' });
  const result = await connection.request('server/discover', { _meta: envelopeFor(greeting) });
  const supported = at(result.value, 'supportedVersions');
  if (!Array.isArray(supported) || !supported.includes(LATEST_MODERN))
    throw unusable(options, `it supports the protocol versions ${JSON.stringify(supported ?? null)}`);
  const info = at(result.value, '_meta', META_SERVER_INFO) ?? at(result.value, 'serverInfo');
  connection.agree({ era: 'modern', ...helloFrom(result, LATEST_MODERN, info) });
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

/** Answers to `server/discover` that no modern server gives. */
function speaksLegacy(error: unknown): boolean {
  return error instanceof RpcError && !MODERN_ERRORS.has(error.code);
}

const MODERN_ERRORS: ReadonlySet<number> = new Set([
  HEADER_MISMATCH,
  MISSING_CLIENT_CAPABILITY,
  UNSUPPORTED_PROTOCOL_VERSION,
]);

/** The answers to `initialize` that a modern server gives. */
function speaksModern(error: unknown): boolean {
  return (
    error instanceof RpcError &&
    (error.code === METHOD_NOT_FOUND || error.code === UNSUPPORTED_PROTOCOL_VERSION)
  );
}

function unusable({ server }: HandshakeOptions, why: string): ProxyError {
  return new ProxyError('PROTOCOL_ERROR', {
    message: `"${server}" cannot be used: ${why}, which this proxy does not speak.`,
    server,
    delivered: false,
  });
}
