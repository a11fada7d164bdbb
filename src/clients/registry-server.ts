/** `server.json`, as the MCP registry has it: packages that can be started, and remote addresses. */
import type { SkippedServer } from '../config/dialects/client-dialect.ts';
import type { ServerInput } from '../config/schema/server-keys.ts';
import { at, isObject, stringAt } from '../json/json.ts';

interface Read {
  readonly servers: ReadonlyMap<string, ServerInput>;
  readonly skipped: readonly SkippedServer[];
}

/** Which program starts a package of a registry. */
const RUNNERS: ReadonlyMap<string, (id: string, version: string) => readonly string[]> = new Map([
  ['npm', (id: string, version: string) => ['npx', '-y', version === '' ? id : `${id}@${version}`]],
  ['pypi', (id: string, version: string) => ['uvx', version === '' ? id : `${id}==${version}`]],
  [
    'oci',
    (id: string, version: string) => [
      'docker',
      'run',
      '-i',
      '--rm',
      version === '' || id.includes(':') ? id : `${id}:${version}`,
    ],
  ],
]);

/** The first way that can be taken: a remote address, else a package. */
export function registryServer(root: unknown): Read {
  const full = stringAt(root, 'name') ?? 'server';
  const name = full.split('/').at(-1) ?? full;
  const ways = [...listAt(root, 'remotes').map(remote), ...listAt(root, 'packages').map(started)];
  const found = ways.find((way) => typeof way !== 'string');
  if (found !== undefined && typeof found !== 'string')
    return { servers: new Map([[name, found]]), skipped: [] };
  const reasons = ways.filter((way) => typeof way === 'string');
  const reason =
    reasons.length === 0 ? 'it names neither a package nor a remote address' : reasons.join('; ');
  return { servers: new Map(), skipped: [{ name, reason }] };
}

/** @returns a reason where it cannot be reached. */
function remote(entry: unknown): ServerInput | string {
  const url = stringAt(entry, 'url');
  if (url === undefined || url.includes('{')) return 'its remote address is to be filled in by hand';
  const type = stringAt(entry, 'type') === 'sse' ? 'sse' : 'http';
  const headers = valuesOf(listAt(entry, 'headers'));
  return { type, url, ...(headers.size > 0 && { headers }) };
}

function started(entry: unknown): ServerInput | string {
  const registry = stringAt(entry, 'registryType') ?? stringAt(entry, 'registry_name') ?? '';
  const id = stringAt(entry, 'identifier') ?? stringAt(entry, 'name') ?? '';
  const runner = RUNNERS.get(registry);
  if (!runner || id === '') return `packages of "${registry}" cannot be started by a command`;
  const [command = '', ...args] = runner(id, stringAt(entry, 'version') ?? '');
  const own = argumentsOf(listAt(entry, 'packageArguments'));
  const before = argumentsOf(listAt(entry, 'runtimeArguments'));
  if (own === undefined || before === undefined) return 'its arguments are to be filled in by hand';
  const env = valuesOf(listAt(entry, 'environmentVariables'));
  const [flags, target] = command === 'docker' ? [args.slice(0, -1), args.slice(-1)] : [[], args];
  const passed = command === 'docker' ? [...env.keys()].flatMap((key) => ['-e', key]) : [];
  return {
    command,
    args: [...flags, ...passed, ...before, ...target, ...own],
    ...(env.size > 0 && { env }),
  };
}

/** @returns `undefined` where one that is required has no value. */
function argumentsOf(list: readonly unknown[]): readonly string[] | undefined {
  const words: string[] = [];
  for (const entry of list) {
    const value = stringAt(entry, 'value') ?? stringAt(entry, 'default');
    const name = stringAt(entry, 'name');
    if (value === undefined && at(entry, 'isRequired') === true) return undefined;
    if (value?.includes('{') === true) return undefined;
    if (stringAt(entry, 'type') === 'named' && name !== undefined) words.push(name);
    if (value !== undefined) words.push(value);
  }
  return words;
}

/** An entry without a value becomes a variable of that name in the environment. */
function valuesOf(list: readonly unknown[]): Map<string, string> {
  return new Map(
    list.flatMap((entry) => {
      const name = stringAt(entry, 'name');
      if (name === undefined) return [];
      const value = stringAt(entry, 'value') ?? stringAt(entry, 'default');
      if (value !== undefined && !value.includes('{'))
        return [[name, value.replaceAll('${', () => '$${')] as const];
      const variable = name.replaceAll(/\W/g, '_').toUpperCase();
      return at(entry, 'isRequired') === true || value !== undefined
        ? [[name, `\${${variable}}`] as const]
        : [];
    }),
  );
}

function listAt(value: unknown, key: string): readonly unknown[] {
  const list = isObject(value) ? value[key] : undefined;
  return Array.isArray(list) ? (list as unknown[]) : [];
}
