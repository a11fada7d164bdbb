/** A catalogue of 279 tools on 19 servers, with every way to say or not to say what a call may do. */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Wire } from '../relay/wire/conversation.ts';

const SCRIPT = fileURLToPath(new URL('../fixtures/servers/of-tools.mjs', import.meta.url));

export interface ManyTool {
  readonly server: string;
  readonly name: string;
  readonly annotations?: Wire | undefined;
  readonly needs: 'read' | 'write' | 'destructive';
}

/** Annotations as servers write them, and the weakest call that may run such a tool. */
const SAID: readonly (readonly [Wire | undefined, ManyTool['needs']])[] = [
  [{ readOnlyHint: true }, 'read'],
  [{ readOnlyHint: true, destructiveHint: true }, 'read'],
  [{ readOnlyHint: false, destructiveHint: false }, 'write'],
  [{ destructiveHint: false }, 'write'],
  [{ destructiveHint: true }, 'destructive'],
  [{ readOnlyHint: false }, 'destructive'],
  [{ title: 'Only a title' }, 'destructive'],
  [{}, 'destructive'],
  [undefined, 'destructive'],
];

const THINGS = ['issue', 'image', 'page', 'card', 'board', 'file', 'folder', 'user', 'message', 'branch'];
const DEEDS = ['get', 'list', 'create', 'update', 'delete', 'search', 'move', 'copy', 'merge', 'close'];

export function manyTools(): readonly ManyTool[] {
  return Array.from({ length: 279 }, (_, index) => {
    const [annotations, needs] = SAID[index % SAID.length] ?? [undefined, 'destructive'];
    const deed = DEEDS[Math.floor(index / 10) % 10] ?? '';
    const name = `${deed}_${THINGS[index % 10] ?? ''}_${index}`;
    return { server: `server-${(index % 19) + 1}`, name, annotations, needs };
  });
}

export interface ManyServersOptions {
  readonly tools?: readonly Wire[];
  /** Where each call that arrives is written down. */
  readonly ledger?: string;
  readonly delayMs?: (server: string) => number;
  readonly instructions?: string;
}

/** `mcpServers` for these tools. */
export function manyServers(options: ManyServersOptions = {}): Wire {
  const { ledger, delayMs = () => 0, instructions } = options;
  const tools =
    options.tools ??
    manyTools().map(({ server, name, annotations }) => ({
      server,
      name,
      description: `Tool to ${name.replaceAll('_', ' ')}. ${'It does what it says. '.repeat(12)}`,
      inputSchema: {
        type: 'object',
        properties: {
          id: { type: 'string', description: `Which one. ${'More words on it. '.repeat(8)}` },
          options: { type: 'object', properties: { deep: { type: 'boolean' } } },
        },
        required: ['id'],
      },
      annotations,
    }));
  const file = join(mkdtempSync(join(tmpdir(), 'switchyard-tools-')), 'tools.json');
  writeFileSync(file, JSON.stringify(tools));
  const servers = [...new Set(tools.map((tool) => String(tool['server'])))];
  return Object.fromEntries(
    servers.map((server) => {
      const its = { file, server, ledger, delayMs: delayMs(server), instructions };
      return [server, { command: process.execPath, args: [SCRIPT, JSON.stringify(its)] }];
    }),
  );
}
