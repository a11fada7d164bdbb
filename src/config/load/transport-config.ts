/** Which transport an entry means, and whether the rest of the entry fits it. Pure. */
import type { TransportConfig } from '../config.ts';
import type { ServerInput } from '../schema/server-keys.ts';
import { hasVariables } from '../variables.ts';
import { authProblems } from './auth-problems.ts';
import type { ServerProblem } from './server-problem.ts';

export interface TransportSource {
  readonly input: ServerInput;
  readonly disabled: boolean;
  /** Entry and defaults together. */
  readonly env: ReadonlyMap<string, string>;
  readonly headers: ReadonlyMap<string, string>;
  readonly cwd: string | undefined;
  readonly inheritEnv: readonly string[];
}

export interface TransportResult {
  readonly transport?: TransportConfig;
  readonly problems: readonly ServerProblem[];
}

type Kind = TransportConfig['kind'];

export function readTransport(source: TransportSource): TransportResult {
  const { input } = source;
  const kind = kindOf(input);
  if (kind === undefined) {
    const message =
      'expected "command" (a local server), "url" (a remote one), or "host" and "port" (raw TCP), got none of them';
    return { problems: [{ path: [], message }] };
  }
  const problems = transportKeys
    .filter((key) => input[key] !== undefined && !keysOf[kind].includes(key))
    .map((key) => ({ path: [key], message: `does not belong to a server ${nameOf(kind)}. Remove it.` }));
  const result = kind === 'stdio' ? stdio(source) : kind === 'tcp' ? tcp(source) : remote(kind, source);
  return { ...result, problems: [...problems, ...result.problems] };
}

const transportKeys = [
  'command',
  'args',
  'env',
  'cwd',
  'envFile',
  'inheritEnv',
  'url',
  'headers',
  'auth',
  'host',
  'port',
] as const satisfies readonly (keyof ServerInput)[];

const keysOf: Readonly<Record<Kind, readonly (keyof ServerInput)[]>> = {
  stdio: ['command', 'args', 'env', 'cwd', 'envFile', 'inheritEnv'],
  http: ['url', 'headers', 'auth'],
  sse: ['url', 'headers', 'auth'],
  websocket: ['url', 'headers'],
  tcp: ['host', 'port'],
};

function kindOf({ type, command, url, host, port }: ServerInput): Kind | undefined {
  switch (type) {
    case 'stdio':
    case 'local':
      return 'stdio';
    case 'sse':
    case 'tcp':
      return type;
    case 'websocket':
    case 'ws':
      return 'websocket';
    case 'remote':
    case undefined:
      break;
    default:
      return 'http';
  }
  if (command !== undefined && type === undefined) return 'stdio';
  if (url !== undefined) return /^wss?:/i.test(url) ? 'websocket' : 'http';
  if (type === 'remote') return 'http';
  return host === undefined && port === undefined ? undefined : 'tcp';
}

function nameOf(kind: Kind): string {
  if (kind === 'stdio') return 'with a "command"';
  return kind === 'tcp' ? 'with a "host" and "port"' : `with a "url" (${kind})`;
}

function stdio({ input, env, cwd, inheritEnv }: TransportSource): TransportResult {
  const { command, args } = input;
  if (command === undefined) return missing('command');
  const place = cwd === undefined ? {} : { cwd };
  return { transport: { kind: 'stdio', command, args: args ?? [], env, ...place, inheritEnv }, problems: [] };
}

function tcp({ input, disabled }: TransportSource): TransportResult {
  const { host, port } = input;
  if (host === undefined) return missing('host');
  // The port of a disabled server may be a variable, which nobody has read.
  if (port === undefined && !disabled) return missing('port');
  return { transport: { kind: 'tcp', host, port: port ?? 0 }, problems: [] };
}

function remote(kind: 'http' | 'sse' | 'websocket', source: TransportSource): TransportResult {
  const { input, disabled, headers } = source;
  const { url, type } = input;
  if (url === undefined) return missing('url');
  const unread = disabled && hasVariables(url);
  const problems = [
    ...(unread ? [] : urlProblems(url, kind)),
    ...headerProblems(headers),
    ...authProblems(input.auth, headers),
  ];
  if (kind !== 'http') return { transport: { kind, url, headers }, problems };
  const fallbackToSse = type === undefined || type === 'remote';
  return { transport: { kind, url, headers, fallbackToSse }, problems };
}

/** Never shows the address: keys often stand in it. */
function urlProblems(url: string, kind: 'http' | 'sse' | 'websocket'): ServerProblem[] {
  const schemes = kind === 'websocket' ? ['ws:', 'wss:'] : ['http:', 'https:'];
  const expected = `expected an address that starts with ${schemes.map((scheme) => `${scheme}//`).join(' or ')}`;
  if (!URL.canParse(url)) return [{ path: ['url'], message: `${expected}, got text that is no address` }];
  if (schemes.includes(new URL(url).protocol)) return [];
  return [{ path: ['url'], message: `${expected}, got another kind of address` }];
}

function headerProblems(headers: ReadonlyMap<string, string>): ServerProblem[] {
  return [...headers].flatMap(([name, value]) => {
    if (!/^[\w!#$%&'*+.^`|~-]+$/.test(name)) {
      return [{ path: ['headers', name], message: 'is no valid header name' }];
    }
    // The rule of HTTP: no control characters but the tab.
    if (/^[\t\x20-\x7e\x80-\xff]*$/.test(value)) return [];
    return [
      { path: ['headers', name], message: 'holds a character that no header may hold, such as a line break' },
    ];
  });
}

function missing(key: keyof ServerInput): TransportResult {
  return { problems: [{ path: [key], message: `expected a value, got nothing` }] };
}
