/** The servers that clients on this machine have configured. */
import { readFileSync, statSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import { clientFiles, projectFiles } from '../config/client-places.ts';
import type { ClientDialect, SkippedServer } from '../config/dialects/client-dialect.ts';
import { dialects, readClientConfig } from '../config/dialects/dialects.ts';
import { projectFolderOf } from '../config/dialects/project-folder.ts';
import { type HostEnvironment, pathsOf } from '../config/folders.ts';
import type { ServerInput } from '../config/schema/server-keys.ts';
import { messageOf } from '../core/errors.ts';
import { MAX_BYTES } from './edit/replace-file.ts';

export interface ClientFileFound {
  readonly client: ClientDialect;
  readonly file: string;
  /** In our notation, by the client's name for it. */
  readonly servers: ReadonlyMap<string, ServerInput>;
  readonly skipped: readonly SkippedServer[];
  /** Why nothing could be read. */
  readonly trouble?: string;
}

/** @param clients empty: all. Files that are not there are left out. */
export function foundServers(
  clients: readonly ClientDialect[],
  machine: HostEnvironment,
): readonly ClientFileFound[] {
  return (clients.length === 0 ? dialects : clients).flatMap((client) =>
    [...new Set([...clientFiles(client.id, machine), ...projectFiles(client.id, machine)])].flatMap(
      (file) => readClientFile(client, file, machine) ?? [],
    ),
  );
}

/** @returns `undefined` where there is no such file. */
export function readClientFile(
  client: ClientDialect,
  file: string,
  machine: HostEnvironment,
): ClientFileFound | undefined {
  let text: string;
  try {
    const found = statSync(file);
    if (!found.isFile()) throw new Error('it is not a file');
    if (found.size > MAX_BYTES) throw new Error(`it is larger than ${MAX_BYTES} bytes`);
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    return { client, file, servers: new Map(), skipped: [], trouble: messageOf(error) };
  }
  const projectFolder = projectFolderOf(file, machine);
  try {
    const read = readClientConfig(client, text, {
      ...machine,
      path: file,
      moves: true,
      ...(projectFolder !== undefined && { projectFolder }),
      packageOf: (script) => packageOf(script, machine),
    });
    return { client, file, ...read };
  } catch (error) {
    return { client, file, servers: new Map(), skipped: [], trouble: messageOf(error) };
  }
}

/** The name of the package that a script `…/dist/cli.js` belongs to. */
function packageOf(script: string, { platform }: HostEnvironment): string | undefined {
  try {
    const paths = pathsOf(platform);
    const file = paths.join(paths.dirname(script), '..', 'package.json');
    const { name } = JSON.parse(readFileSync(file, 'utf8')) as { readonly name?: unknown };
    return typeof name === 'string' ? name : undefined;
  } catch {
    return undefined;
  }
}

/** As one would write it under `mcpServers`. */
export function entryFrom({ type, env, headers, ...input }: ServerInput): Readonly<Record<string, unknown>> {
  return plain({
    ...(type !== 'stdio' && { type }),
    ...input,
    ...(env && env.size > 0 && { env }),
    ...(headers && headers.size > 0 && { headers }),
  }) as Readonly<Record<string, unknown>>;
}

function plain(value: unknown): unknown {
  if (value instanceof Map)
    return Object.fromEntries([...(value as Map<string, unknown>)].map(([key, one]) => [key, plain(one)]));
  if (Array.isArray(value)) return (value as unknown[]).map(plain);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, one]) => one !== undefined)
      .map(([key, one]) => [key, plain(one)]),
  );
}

/**
 * Equal for entries that reach the same server in the same way: with the same tools, and switched on or off alike.
 *
 * @param expand a text as it counts on this machine: one client writes a variable where another has its value.
 */
export function entryMeaning(
  entry: Readonly<Record<string, unknown>>,
  expand: (text: string) => string = (text) => text,
): string {
  const { type, command, args = [], env = {}, cwd, url, headers = {}, host, port, disabled } = entry;
  const tools = isDeepStrictEqual(entry['tools'], { include: ['*'] }) ? undefined : entry['tools'];
  const kind = command === undefined && type !== 'remote' ? type : undefined;
  const off = disabled === true;
  return JSON.stringify(
    [kind, command, args, sorted(env), cwd, url, sorted(headers), host, port, tools, off],
    (_key, value: unknown) => (typeof value === 'string' ? expand(value) : value),
  );
}

function sorted(table: unknown): unknown {
  return typeof table === 'object' && table !== null
    ? Object.entries(table).sort(([a], [b]) => (a < b ? -1 : 1))
    : table;
}
