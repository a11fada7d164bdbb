/** `switchyard import`: the servers that clients have configured, taken into our config. */
import { existsSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { type ClientFileFound, foundServers, readClientFile } from '../../clients/found-servers.ts';
import type { Offered, Taken } from '../../clients/take-over.ts';
import { readForeignFile } from '../../clients/foreign-files.ts';
import type { ServerInput } from '../../config/schema/server-keys.ts';
import { detectDialect } from '../../config/dialects/dialects.ts';
import type { HostEnvironment } from '../../config/folders.ts';
import { parseText, textFormatOf } from '../../clients/edit/edit-text.ts';
import { readFile } from 'node:fs/promises';
import { messageOf } from '../../core/errors.ts';
import type { JsonObject } from '../../json/json.ts';
import type { Command, Input } from '../command.ts';
import { learnServers, NO_CHECK } from './learn-servers.ts';
import { clientNamed } from './named-clients.ts';
import {
  changeOwnConfig,
  type OwnConfigFile,
  ownConfigFile,
  withOwnConfig,
} from '../support/own-config-file.ts';
import { takenServers } from './importable-servers.ts';
import { UsageError } from '../command.ts';
import { plain } from '../terminal/sanitize.ts';

export const importCommand: Command = {
  name: 'import',
  takes: '[CLIENT|FILE]…',
  summary: 'takes the servers that clients have configured into our config',
  about:
    'Without a name it looks at every client on this machine, and at the files of the project in this folder.\nA FILE may be a client’s file, pyproject.toml, package.json, a server.json of the MCP registry or an .mcpb bundle.\nThe clients’ own files are not changed: "switchyard install CLIENT --adopt" does that.',
  options: {
    'dry-run': { type: 'boolean', about: 'show what it would take, and write nothing' },
    'no-check': NO_CHECK,
  },
  examples: [
    'switchyard import --dry-run',
    'switchyard import cursor claude-desktop',
    'switchyard import ./pyproject.toml',
  ],
  positionals: true,
  run,
};

const LEFT = 'left: ';

interface Row {
  readonly client: string;
  readonly server: string;
  readonly reaches: string;
  readonly result: string;
  readonly key?: string;
}

async function run(input: Input): Promise<number> {
  const { options, configFiles, machine, output } = input;
  const dry = options.flag('dry-run');
  const { code, file, document, keys } = dry
    ? await take(await ownConfigFile(configFiles, machine), dry, input)
    : await withOwnConfig(configFiles, machine, (own) => take(own, dry, input));
  const checked = keys.length > 0 && !options.flag('no-check');
  const learned = checked ? await learnServers({ file, servers: keys, machine, output }) : [];
  if (output.json) output.document({ ...document, ...(checked && { learned }) });
  return code;
}

interface Take {
  readonly code: number;
  readonly file: string;
  /** The new servers in our config. */
  readonly keys: readonly string[];
  /** The document that `--json` prints. */
  readonly document: JsonObject;
}

async function take(
  own: OwnConfigFile,
  dry: boolean,
  { positionals, machine, output }: Input,
): Promise<Take> {
  const found = await lookedAt(positionals, machine);
  const offered = found.flatMap(({ client, servers }) =>
    [...servers].map(([name, input]): Offered => ({ client: client.id, name, input })),
  );
  const { taken, edits, left } = await takenServers(offered, own, machine);
  const reasons = new Map([...left].map(([{ input }, why]) => [input, why]));
  const rows = rowsOf(found, taken, reasons);
  for (const { client, file, trouble } of found)
    if (trouble !== undefined) output.note(`${client.name}: ${file}: ${trouble}`);
  if (!dry && edits.length > 0) await changeOwnConfig(own, edits);
  const written = !dry && edits.length > 0;
  if (output.json) {
    // Told when the servers are connected.
  } else if (rows.length === 0) output.note('No client on this machine has a server configured.');
  else {
    await output.table(
      [{ title: 'CLIENT' }, { title: 'SERVER' }, { title: 'REACHES' }, { title: 'RESULT' }],
      rows.map(({ client, server, reaches, result }) => [
        client,
        server,
        reaches,
        result.startsWith(LEFT) ? 'left, see below' : result,
      ]),
    );
    // In full: a table would cut them.
    for (const { client, server, result } of rows)
      if (result.startsWith(LEFT)) output.line(`${server} of ${client} is ${result}`);
    output.line();
    if (edits.length === 0) output.line(`Nothing is new for ${own.file}.`);
    else
      output.line(
        `${dry ? 'Would write' : 'Wrote'} ${edits.length} ${edits.length === 1 ? 'server' : 'servers'} to ${own.file}.`,
      );
  }
  const troubled = found.some(({ trouble }) => trouble !== undefined) && positionals.length > 0;
  return {
    code: troubled ? 1 : 0,
    file: own.file,
    keys: written ? taken.flatMap(({ key, twice }) => (twice ? [] : [key])) : [],
    document: { file: own.file, written, servers: rows },
  };
}

async function lookedAt(
  words: readonly string[],
  machine: HostEnvironment,
): Promise<readonly ClientFileFound[]> {
  if (words.length === 0) return foundServers([], machine);
  const found: ClientFileFound[] = [];
  for (const word of words) {
    const file = resolve(machine.cwd, word);
    if (/[./\\]/.test(word) && existsSync(file)) found.push(await readGiven(file, machine));
    else if (/[/\\]/.test(word)) throw new UsageError(`There is no file ${file}.`);
    else {
      const its = foundServers([clientNamed(word)], machine);
      found.push(...its);
    }
  }
  return found;
}

async function readGiven(file: string, machine: HostEnvironment): Promise<ClientFileFound> {
  const foreign = await readForeignFile(file, machine);
  if (foreign) return foreign;
  try {
    const root = await parseText(await readFile(file, 'utf8'), textFormatOf(file));
    const table = new Map(Object.entries((root ?? {}) as Readonly<Record<string, never>>));
    const client = detectDialect(file, table) ?? clientNamed('claude-desktop');
    return readClientFile(client, file, machine) as ClientFileFound;
  } catch (error) {
    throw new UsageError(`${basename(file)} cannot be read: ${messageOf(error)}.`);
  }
}

function rowsOf(
  found: readonly ClientFileFound[],
  taken: readonly Taken[],
  left: ReadonlyMap<ServerInput, string>,
): Row[] {
  return found.flatMap(({ client, servers, skipped }) => [
    ...[...servers].flatMap(([name, input]): Row[] => {
      const [its, why] = [taken.find((one) => one.input === input), left.get(input)];
      const place = { client: client.name, server: plain(name), reaches: reached(input) };
      if (why !== undefined) return [{ ...place, result: `${LEFT}${plain(why)}` }];
      if (!its) return [];
      const off = input.disabled === true ? ' (switched off)' : '';
      const result = its.twice ? `the same as ${plain(its.key)}` : `taken as ${plain(its.key)}${off}`;
      return [{ ...place, result, key: its.key }];
    }),
    ...skipped.map(({ name, reason, own }): Row => ({
      client: client.name,
      server: plain(name),
      reaches: '',
      result: own === true ? 'our own entry' : `${LEFT}${plain(reason)}`,
    })),
  ]);
}

/** Names a server by its program or host alone: arguments and addresses may hold secrets. */
export function reached({ command, args = [], url, host, port }: ServerInput): string {
  if (command !== undefined) {
    const name = basename(command.replaceAll('\\', '/'));
    const runner = /^(npx|uvx|bunx|pnpx|docker|node|python3?|cmd)(\.\w+)?$/i.test(name);
    const first = runner
      ? args.find((arg) => /^@?\w[\w.-]*(\/[\w.@-]+)?$/.test(arg) && !/^(run|c|exec|npx)$/.test(arg))
      : undefined;
    return plain(first === undefined ? name : `${name} ${first}`);
  }
  if (url !== undefined) return plain(url.replace(/^(\w+:\/\/)(?:[^/@]*@)?([^/?#]*).*$/, '$1$2'));
  return plain(`${host ?? ''}:${port ?? ''}`);
}
