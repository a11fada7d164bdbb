/** The parts of an entry that most clients share, turned into ours. */
import { pathsOf } from '../folders.ts';
import type { ServerInput } from '../schema/server-keys.ts';
import { maxDurationMs } from '../schema/units.ts';
import type { ClientContext, ClientTable } from './client-dialect.ts';
import { literal, type Notation } from './notation.ts';
import { SkipServer } from './read-servers.ts';
import { textIn, textMapIn, textsIn } from './values.ts';

interface LocalEntry {
  readonly command: string;
  readonly args?: readonly string[] | undefined;
  readonly env?: ReadonlyMap<string, string> | undefined;
  readonly cwd?: string | undefined;
  readonly envFile?: string | undefined;
}

/** A process. Without a `cwd` it starts in the file's project, as the client would start it. */
export function localEntry(
  entry: LocalEntry,
  context: ClientContext,
  write: Notation = literal,
): ServerInput {
  const cwd = folderOf(entry.cwd, context, write);
  return {
    type: 'stdio',
    command: write(entry.command),
    args: (entry.args ?? []).map(write),
    env: mapped(entry.env ?? new Map(), write),
    ...(cwd === undefined ? {} : { cwd }),
    ...(entry.envFile === undefined ? {} : { envFile: absolute(write(entry.envFile), context) }),
  };
}

/** A remote server. `remote` tries Streamable HTTP, then SSE. */
export function remoteEntry(
  type: 'remote' | 'http' | 'sse' | 'websocket',
  url: string,
  headers: ReadonlyMap<string, string>,
  write: Notation = literal,
): ServerInput {
  if (/^(unix|pipe):/i.test(url)) throw new SkipServer('a socket or pipe in "url" is not supported');
  return { type, url: write(url), headers: mapped(headers, write) };
}

interface EntryRules {
  readonly write?: Notation;
  /** The transport that a `url` without a `type` means. */
  readonly urlType?: 'remote' | 'http' | 'sse';
  /** The key of the address, if not `url`. */
  readonly urlKey?: string;
}

/** `command`, `args`, `env`, `cwd`, `envFile`; `type`, `url`, `headers`: the notation that most clients share. */
export function commonServer(
  entry: ClientTable,
  context: ClientContext,
  rules: EntryRules = {},
): ServerInput {
  const { write = literal, urlType = 'remote', urlKey = 'url' } = rules;
  const type = textIn(entry, 'type') ?? textIn(entry, 'transport');
  const command = textIn(entry, 'command');
  const url = textIn(entry, urlKey) ?? textIn(entry, 'url');
  const remote = type === undefined ? undefined : remoteTypes.get(type);
  if (command !== undefined && remote === undefined) {
    return localEntry(
      {
        command,
        args: textsIn(entry, 'args'),
        env: textMapIn(entry, 'env'),
        cwd: textIn(entry, 'cwd'),
        envFile: textIn(entry, 'envFile'),
      },
      context,
      write,
    );
  }
  if (url !== undefined) return remoteEntry(remote ?? urlType, url, textMapIn(entry, 'headers'), write);
  throw new SkipServer(
    type === undefined || type === 'stdio' || remote !== undefined
      ? 'it has neither a command nor a url'
      : `its type "${type}" is not supported`,
  );
}

/** A client's lists of tools that may be used or not. */
export function toolFilter(
  include: readonly string[] | undefined,
  exclude: readonly string[] | undefined,
): Pick<ServerInput, 'tools'> {
  if (include === undefined && (exclude === undefined || exclude.length === 0)) return {};
  return {
    tools: {
      ...(include === undefined ? {} : { include: include.map(literal) }),
      ...(exclude === undefined ? {} : { exclude: exclude.map(literal) }),
    },
  };
}

/** Milliseconds from a client's number. */
export function timeouts(times: {
  readonly connectMs?: number | undefined;
  readonly callMs?: number | undefined;
}): Pick<ServerInput, 'connectTimeoutMs' | 'timeoutMs'> {
  const { connectMs, callMs } = times;
  return {
    ...(connectMs === undefined ? {} : { connectTimeoutMs: bounded(connectMs) }),
    ...(callMs === undefined ? {} : { timeoutMs: bounded(callMs) }),
  };
}

export function seconds(value: number | undefined): number | undefined {
  return value === undefined ? undefined : value * 1000;
}

const remoteTypes: ReadonlyMap<string, 'http' | 'sse' | 'websocket'> = new Map([
  ['http', 'http'],
  ['streamable-http', 'http'],
  ['streamableHttp', 'http'],
  ['streamable_http', 'http'],
  ['sse', 'sse'],
  ['ws', 'websocket'],
  ['websocket', 'websocket'],
] as const);

function mapped(values: ReadonlyMap<string, string>, write: Notation): Map<string, string> {
  return new Map([...values].map(([key, value]) => [key, write(value)]));
}

function folderOf(cwd: string | undefined, context: ClientContext, write: Notation): string | undefined {
  if (cwd !== undefined) return absolute(write(cwd), context);
  return context.projectFolder === undefined ? undefined : literal(context.projectFolder);
}

/** A path in our notation: one that starts with a variable is left to it. */
function absolute(path: string, context: ClientContext): string {
  if (path.startsWith('${')) return path;
  return pathsOf(context.platform).resolve(literal(context.projectFolder ?? context.cwd), path);
}

/** A whole number of milliseconds that a timer can hold. */
function bounded(ms: number): number {
  return Math.min(maxDurationMs, Math.max(1, Math.round(ms)));
}
