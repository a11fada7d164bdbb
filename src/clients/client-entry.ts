/** The entry of a client's file for a server that the client starts: its place and its words. */
import type { DialectId } from '../config/dialects/client-dialect.ts';
import { isObject } from '../json/json.ts';
import type { Edit } from './edit/text-editor.ts';

/** The process that is started. */
export interface StartedBy {
  readonly command: string;
  readonly args: readonly string[];
}

/** The name of our entry. */
export const OUR_NAME = 'switchyard';

type Path = readonly (string | number)[];

export interface NamedEntry {
  readonly name: string;
  /** The place of the entry. */
  readonly path: Path;
  readonly value: unknown;
}

/** All entries of the file that are of the whole user. @param root as the client's file holds it. */
export function entriesIn(client: DialectId, root: unknown): readonly NamedEntry[] {
  const path = tablePath(client, root);
  const table = path.reduce<unknown>(childOf, root);
  if (Array.isArray(table))
    return (table as unknown[]).map((value, index) => ({
      name: nameIn(value) ?? `mcpServers[${index}]`,
      path: [...path, index],
      value,
    }));
  if (!isObject(table)) return [];
  return Object.entries(table).map(([name, value]) => ({ name, path: [...path, name], value }));
}

/** Puts an entry of ours into the file, or one of the client's own back. */
export function putEdits(client: DialectId, root: unknown, name: string, value: unknown): readonly Edit[] {
  const known = entriesIn(client, root);
  const path = known.find((entry) => entry.name === name)?.path ?? [
    ...tablePath(client, root),
    client === 'continue' ? known.length : name,
  ];
  return [{ path, value }, ...allowedEdits(client, root, name)];
}

/** Takes entries out; from the last one on, so that indexes stay true. */
export function takeEdits(entries: readonly NamedEntry[]): readonly Edit[] {
  return entries.map(({ path }) => ({ path, value: undefined })).reverse();
}

/** Takes what stands in the file for our entry beside it. */
export function forgetEdits(client: DialectId, root: unknown): readonly Edit[] {
  const allowed = allowedIn(client, root);
  const index = allowed?.indexOf(OUR_NAME) ?? -1;
  return index < 0 ? [] : [{ path: ['mcp', 'allowed', index], value: undefined }];
}

/** Our entry in the client's own words. */
export function entryOf(client: DialectId, root: unknown, { command, args }: StartedBy): unknown {
  const usual = { command, args };
  switch (client) {
    case 'vscode':
      return { type: 'stdio', ...usual };
    case 'claude-code':
      return { type: 'stdio', ...usual, env: {} };
    case 'copilot':
      return { type: 'local', ...usual, tools: ['*'] };
    case 'zed':
      return { source: 'custom', enabled: true, ...usual, env: {} };
    case 'continue':
      return { name: OUR_NAME, ...usual };
    case 'goose':
      return {
        enabled: true,
        type: 'stdio',
        name: OUR_NAME,
        description: 'All MCP servers of this machine',
        cmd: command,
        args,
        envs: {},
        env_keys: [],
        timeout: 300,
      };
    case 'opencode':
      return {
        type: 'local',
        command: [command, ...args],
        ...(tablePath(client, root).length === 1 && { enabled: true }),
      };
    default:
      return usual;
  }
}

function tablePath(client: DialectId, root: unknown): Path {
  if (client === 'vscode') return ['servers'];
  if (client === 'zed') return ['context_servers'];
  if (client === 'codex') return ['mcp_servers'];
  if (client === 'goose') return ['extensions'];
  if (client !== 'opencode') return ['mcpServers'];
  // Version 2 has a table of servers where version 1 has the servers.
  const servers = childOf(childOf(root, 'mcp'), 'servers');
  return isObject(servers) && typeof servers['type'] !== 'string' ? ['mcp', 'servers'] : ['mcp'];
}

/** Gemini starts only what is on its list, where there is one. */
function allowedEdits(client: DialectId, root: unknown, name: string): readonly Edit[] {
  const allowed = allowedIn(client, root);
  if (!allowed || allowed.includes(name)) return [];
  return [{ path: ['mcp', 'allowed', allowed.length], value: name }];
}

function allowedIn(client: DialectId, root: unknown): readonly unknown[] | undefined {
  const allowed = client === 'gemini' ? childOf(childOf(root, 'mcp'), 'allowed') : undefined;
  return Array.isArray(allowed) ? (allowed as unknown[]) : undefined;
}

function nameIn(value: unknown): string | undefined {
  const name = childOf(value, 'name');
  return typeof name === 'string' ? name : undefined;
}

function childOf(value: unknown, key: string | number): unknown {
  if (typeof key === 'number') return Array.isArray(value) ? (value as unknown[])[key] : undefined;
  return isObject(value) && Object.hasOwn(value, key) ? value[key] : undefined;
}
