/** The words that can stand at the cursor. Never starts a server, and never fails: a shell has no place for an error. */
import type { Catalog } from '../catalog/catalog.ts';
import type { Config } from '../config/config.ts';
import { CLIENT_IDS } from '../config/dialects/client-ids.ts';
import type { HostEnvironment } from '../config/folders.ts';
import { at, isObject, stringAt } from '../json/json.ts';
import type { Command, CommandEntry } from './command.ts';
import { COMMON_OPTIONS } from './command.ts';
import { configFiles, readConfig } from './support/configured.ts';
import { rememberedCatalog } from './support/remembered-catalog.ts';

interface Typed {
  /** Words of the command itself, without options and their values. */
  readonly words: readonly string[];
  readonly current: string;
  readonly known: Known;
}

type Source = (typed: Typed) => Promise<readonly string[]>;

const fixed =
  (...words: readonly string[]): Source =>
  ({ words: before }) =>
    Promise.resolve(before.length === 0 ? words : []);

const servers: Source = async ({ words, known }) =>
  words.length === 0 ? [...((await known.config())?.servers.keys() ?? [])] : [];

/** The words that a command takes. */
const WORDS: ReadonlyMap<string, Source> = new Map<string, Source>([
  ['list', fixed('tools', 'resources', 'prompts', 'servers', 'workflows')],
  ['workflow', fixed('plan', 'run', 'list', 'runs', 'show', 'resume', 'cancel')],
  ['completion', fixed('bash', 'zsh', 'fish')],
  ['install', fixed(...CLIENT_IDS)],
  ['uninstall', fixed(...CLIENT_IDS)],
  ['import', () => Promise.resolve(CLIENT_IDS)],
  ['logs', servers],
  ['login', servers],
  ['logout', servers],
  ['remove', servers],
  ['call', async ({ words, known }) => toolWords(words, await known.catalog())],
]);

/** The values that an option takes, where they are no files. */
const VALUES: ReadonlyMap<string, (known: Known) => Promise<readonly string[]>> = new Map([
  ['servers', async (known: Known) => [...((await known.config())?.servers.keys() ?? [])]],
  [
    'tags',
    async (known: Known) => [
      ...new Set([...((await known.config())?.servers.values() ?? [])].flatMap(({ tags }) => tags)),
    ],
  ],
]);

/** A shell would have to quote any other. */
const PLAIN = /^[\w.@:+=,/-]+$/;

/** @param typed what stands behind the program's name; the last one is being typed. */
export async function candidates(
  typed: readonly string[],
  commands: readonly CommandEntry[],
  machine: HostEnvironment,
): Promise<readonly string[]> {
  const current = typed.at(-1) ?? '';
  const before = typed.slice(0, -1);
  try {
    const all = await possible({ before, current, commands, machine });
    return [...new Set(all)].filter((word) => word.startsWith(current) && PLAIN.test(word));
  } catch {
    return [];
  }
}

async function possible({
  before,
  current,
  commands,
  machine,
}: {
  readonly before: readonly string[];
  readonly current: string;
  readonly commands: readonly CommandEntry[];
  readonly machine: HostEnvironment;
}): Promise<readonly string[]> {
  const [name] = before;
  if (name === undefined) return [...commands.map((one) => one.name), '--help', '--version'];
  const command = await commands.find((one) => one.name === name)?.load();
  if (!command || before.includes('--')) return [];
  const { words, pending, files } = read(command, before.slice(1));
  const known = new Known(files, machine);
  if (pending !== undefined) return (await VALUES.get(pending)?.(known)) ?? [];
  if (current.startsWith('-'))
    return Object.keys({ ...command.options, ...COMMON_OPTIONS }).map((option) => `--${option}`);
  return (await WORDS.get(name)?.({ words, current, known })) ?? [];
}

/** @returns the option whose value comes next, too. */
function read(
  { options }: Command,
  typed: readonly string[],
): {
  readonly words: readonly string[];
  readonly pending: string | undefined;
  readonly files: readonly string[];
} {
  const declared = new Map(Object.entries({ ...options, ...COMMON_OPTIONS }));
  const words: string[] = [];
  const files: string[] = [];
  let pending: string | undefined;
  for (const word of typed) {
    if (pending !== undefined) {
      if (pending === 'config') files.push(word);
      pending = undefined;
    } else if (!word.startsWith('-')) words.push(word);
    else {
      const name = word.replace(/^-+/, '');
      if (name.startsWith('config=')) files.push(name.slice('config='.length));
      if (declared.get(name)?.type === 'string') pending = name;
    }
  }
  return { words, pending, files };
}

/** Names, and behind a name the keys of its arguments. */
function toolWords([name, ...pairs]: readonly string[], catalog: Catalog | undefined): readonly string[] {
  if (!catalog) return [];
  if (name === undefined) return [...catalog.tools.keys()];
  const tool = catalog.lists.tools.items
    .map((text) => JSON.parse(text) as unknown)
    .find((one) => stringAt(one, 'name') === name);
  const properties = at(tool, 'inputSchema', 'properties');
  return Object.keys(isObject(properties) ? properties : {})
    .map((key) => `${key}=`)
    .filter((start) => !pairs.some((pair) => pair.startsWith(start)));
}

/** The config and what is remembered of its servers, read when asked for. */
class Known {
  readonly #files: readonly string[];
  readonly #machine: HostEnvironment;

  constructor(files: readonly string[], machine: HostEnvironment) {
    this.#files = files;
    this.#machine = machine;
  }

  config(): Promise<Config | undefined> {
    return readConfig(configFiles(this.#files, this.#machine), this.#machine);
  }

  async catalog(): Promise<Catalog | undefined> {
    const config = await this.config();
    return config && rememberedCatalog(config);
  }
}
