/** Servers of clients, taken into our own config. */
import type { DialectId } from '../config/dialects/client-dialect.ts';
import { envValue, type HostEnvironment } from '../config/folders.ts';
import type { ServerInput } from '../config/schema/server-keys.ts';
import { expandVariables } from '../config/variables.ts';
import { isObject } from '../json/json.ts';
import type { Edit } from './edit/text-editor.ts';
import { entryFrom, entryMeaning } from './found-servers.ts';

export interface Offered {
  readonly client: DialectId;
  readonly name: string;
  readonly input: ServerInput;
}

export interface Taken extends Offered {
  /** Under which key of ours it stands from now on. */
  readonly key: string;
  /** The key under which the server was there before: in our config, or taken from another client. */
  readonly twice: boolean;
}

/** @param own the root of our config, as its file holds it. */
export function takeOver(
  offered: readonly Offered[],
  own: unknown,
  machine: HostEnvironment,
): { readonly taken: readonly Taken[]; readonly edits: readonly Edit[] } {
  const expand = (text: string): string => expanded(text, machine);
  const keys = new Map<string, string>();
  const meanings = new Map<string, string>();
  for (const [key, entry] of Object.entries(serversOf(own))) {
    const meaning = entryMeaning(isObject(entry) ? entry : {}, expand);
    keys.set(key, meaning);
    meanings.set(meaning, key);
  }
  const edits: Edit[] = [];
  const taken = offered.map((one): Taken => {
    const entry = entryFrom(one.input);
    const meaning = entryMeaning(entry, expand);
    const known = meanings.get(meaning);
    if (known !== undefined) return { ...one, key: known, twice: true };
    const key = freeKey(one, keys);
    keys.set(key, meaning);
    meanings.set(meaning, key);
    edits.push({ path: ['mcpServers', key], value: entry });
    return { ...one, key, twice: false };
  });
  return { taken, edits };
}

/** Expands variables for comparing only: the text that is written keeps them. */
function expanded(text: string, machine: HostEnvironment): string {
  const { text: value, errors } = expandVariables(text, {
    variable: (name) => envValue(machine, name),
    readFile() {
      throw new Error('is not read to compare');
    },
    userHome: machine.homeDir,
    workspaceFolder: machine.cwd,
  });
  return errors.length > 0 ? text : value;
}

/** The client's name for it; where another server has that name, with the client's beside it. */
function freeKey({ name, client }: Offered, keys: ReadonlyMap<string, string>): string {
  const candidates = [name, `${name}-${client}`];
  for (let count = 0; ; count++) {
    const key = candidates[count] ?? `${name}-${client}-${count}`;
    if (!keys.has(key)) return key;
  }
}

/** The servers of our config, as its file holds them. */
export function serversOf(own: unknown): Readonly<Record<string, unknown>> {
  const servers = isObject(own) ? own['mcpServers'] : undefined;
  return isObject(servers) ? servers : {};
}
