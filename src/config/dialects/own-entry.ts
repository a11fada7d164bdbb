import { pathsOf } from '../folders.ts';
import type { ClientContext, ClientTable } from './client-dialect.ts';
import { tableIn, textIn, textsIn } from './values.ts';

/** Tells whether an entry of a client starts Switchyard: behind itself the proxy would start itself without end. */
export function isOwnEntry(entry: ClientTable, context: ClientContext): boolean {
  const words = commandLine(entry);
  const program = words.findIndex((word) => !isWrapper(word));
  if (program === -1) return false;
  const [command = '', ...args] = words.slice(program);
  if (isOurs(baseName(command))) return true;
  if (packageRunners.has(baseName(command))) {
    const name = args.find((arg) => !arg.startsWith('-') && !runnerVerbs.has(arg));
    // Without its version: `mcp-switchyard@latest`.
    return name !== undefined && isOurs(name.replace(/(?<=.)@[^@/]*$/, ''));
  }
  return words.some((word) => isOurCli(word, context));
}

/** The spellings: `command` and `args`, one array, an object with a path, `cmd`. */
function commandLine(entry: ClientTable): readonly string[] {
  const nested = tableIn(entry, 'command');
  const first = textIn(entry, 'command') ?? textIn(entry, 'cmd') ?? (nested && textIn(nested, 'path'));
  const args = textsIn(entry, 'args') ?? (nested && textsIn(nested, 'args')) ?? [];
  return first === undefined ? [...(textsIn(entry, 'command') ?? [])] : [first, ...args];
}

const packageRunners: ReadonlySet<string> = new Set(['npx', 'bunx', 'pnpm', 'pnpx', 'yarn', 'npm', 'bun']);

const runnerVerbs: ReadonlySet<string> = new Set(['dlx', 'exec', 'x']);

/** `cmd /c npx …` and `env A=b npx …` start what follows. */
function isWrapper(word: string): boolean {
  return ['cmd', 'env'].includes(baseName(word)) || word.toLowerCase() === '/c' || /^\w+=/.test(word);
}

function isOurs(name: string): boolean {
  return name === 'switchyard' || name === 'mcp-switchyard';
}

function isOurCli(script: string, context: ClientContext): boolean {
  if (!/[\\/]dist[\\/]cli\.js$/.test(script)) return false;
  if (/(^|[\\/])mcp-switchyard[\\/]dist[\\/]cli\.js$/.test(script)) return true;
  const folder = context.projectFolder ?? context.cwd;
  return context.packageOf?.(pathsOf(context.platform).resolve(folder, script)) === 'mcp-switchyard';
}

function baseName(path: string): string {
  const name = path.split(/[\\/]/).at(-1) ?? '';
  return name.replace(/\.(cmd|exe|ps1|bat)$/i, '');
}
