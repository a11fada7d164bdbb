/** Files that name servers and are no client's: manifests of projects, of the registry, bundles. */
import { readFile, stat } from 'node:fs/promises';
import { basename } from 'node:path';
import type { ClientDialect, SkippedServer } from '../config/dialects/client-dialect.ts';
import { dialects } from '../config/dialects/dialects.ts';
import type { HostEnvironment } from '../config/folders.ts';
import type { ServerInput } from '../config/schema/server-keys.ts';
import { at, isObject, stringAt } from '../json/json.ts';
import { messageOf } from '../core/errors.ts';
import { parseText, textFormatOf } from './edit/edit-text.ts';
import type { ClientFileFound } from './found-servers.ts';
import { registryServer } from './registry-server.ts';

const MAX_BYTES = 8 * 1024 * 1024;

/** @returns `undefined` where the file is none of these. */
export async function readForeignFile(
  file: string,
  machine: HostEnvironment,
): Promise<ClientFileFound | undefined> {
  const name = basename(file);
  if (/\.(mcpb|dxt)$/i.test(name)) return (await import('./bundle.ts')).readBundle(file, machine);
  if (!/^(pyproject\.toml|package\.json|server\.json)$|\.ya?ml$/i.test(name)) return undefined;
  const client: ClientDialect = { ...(dialects[0] as ClientDialect), name };
  try {
    if ((await stat(file)).size > MAX_BYTES) throw new Error(`it is larger than ${MAX_BYTES} bytes`);
    const root = await parseText(await readFile(file, 'utf8'), textFormatOf(file));
    const read = serversIn(name, root);
    return read && { client, file, ...read };
  } catch (error) {
    return { client, file, servers: new Map(), skipped: [], trouble: messageOf(error) };
  }
}

interface Read {
  readonly servers: ReadonlyMap<string, ServerInput>;
  readonly skipped: readonly SkippedServer[];
}

function serversIn(name: string, root: unknown): Read | undefined {
  if (name === 'server.json') return registryServer(root);
  if (name === 'pyproject.toml') return tableOf(at(root, 'tool', 'mcp', 'servers'));
  if (name === 'package.json') return tableOf(at(root, 'mcp', 'servers') ?? at(root, 'mcpServers'));
  const list = Array.isArray(root) ? root : (at(root, 'servers') ?? at(root, 'mcp', 'servers'));
  if (!Array.isArray(list)) return undefined;
  return tableOf(
    Object.fromEntries(
      (list as unknown[]).map((one, index) => [stringAt(one, 'name') ?? `server-${index + 1}`, one] as const),
    ),
  );
}

function tableOf(table: unknown): Read {
  const servers = new Map<string, ServerInput>();
  const skipped: SkippedServer[] = [];
  for (const [name, entry] of Object.entries(isObject(table) ? table : {})) {
    const input = usualEntry(entry);
    if (input) servers.set(name, input);
    else skipped.push({ name, reason: 'it has neither a command nor a url' });
  }
  return { servers, skipped };
}

/** `command`, `args`, `env`, `cwd`, `url`, `headers`, in the words that most clients share. */
function usualEntry(entry: unknown): ServerInput | undefined {
  const [command, ...inline] = commandLine(at(entry, 'command'));
  const url = stringAt(entry, 'url');
  const disabled = at(entry, 'disabled') === true || at(entry, 'enabled') === false;
  const off = disabled ? { disabled } : {};
  if (command !== undefined) {
    const args = [...inline, ...texts(at(entry, 'args'))];
    const env = textMap(at(entry, 'env'));
    const cwd = stringAt(entry, 'cwd');
    return { command, args, ...(env.size > 0 && { env }), ...(cwd !== undefined && { cwd }), ...off };
  }
  if (url === undefined) return undefined;
  const headers = textMap(at(entry, 'headers'));
  return { url, ...(headers.size > 0 && { headers }), ...off };
}

function commandLine(command: unknown): readonly string[] {
  if (typeof command === 'string') return [command];
  return texts(command);
}

function texts(value: unknown): string[] {
  return Array.isArray(value) ? (value as unknown[]).filter((one) => typeof one === 'string') : [];
}

function textMap(value: unknown): Map<string, string> {
  const entries = Object.entries(isObject(value) ? value : {});
  return new Map(entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string'));
}
