/** `switchyard install` and `uninstall`: the one entry in a client's file. */
import { existsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { clientFiles } from '../../config/client-places.ts';
import type { ClientDialect } from '../../config/dialects/client-dialect.ts';
import type { ExposeConfig } from '../../config/config.ts';
import { type HostEnvironment, userStateFolder } from '../../config/folders.ts';
import { ConfigError } from '../../config/config-error.ts';
import { type ClientFileFound, readClientFile } from '../../clients/found-servers.ts';
import { readRecord } from '../../clients/install-record.ts';
import { type Installed, installEntry, uninstallEntry } from '../../clients/install.ts';
import type { ListMode } from '../../core/list-mode.ts';
import { clientTraits } from '../../search/client-table.ts';
import { messageOf } from '../../core/errors.ts';
import { stringAt } from '../../json/json.ts';
import type { Command, Input } from '../command.ts';
import { readConfig } from '../support/configured.ts';
import { type Adoption, adoptServers, NO_ADOPTION, restoreOwnConfig, userMachine } from './adopt-servers.ts';
import { programPath, startedBy } from './entry-program.ts';
import { learnServers, NO_CHECK } from './learn-servers.ts';
import { clientNamed } from './named-clients.ts';
import { changeOwnConfig, type OwnConfigFile, withOwnConfig } from '../support/own-config-file.ts';
import { UsageError } from '../command.ts';
import { plain } from '../terminal/sanitize.ts';
import { lostVariables, lostVariablesText } from './lost-variables.ts';

const FILE = {
  type: 'string',
  value: 'FILE',
  about: 'the client’s file, where it is not at its usual place (a project’s own, say)',
} as const;

export const install: Command = {
  name: 'install',
  takes: 'CLIENT',
  summary: 'puts the one entry into a client’s file',
  about:
    'The file is changed in place, its comments and order kept, with a dated copy beside it. The entry starts\n"serve --attach": all clients of one config share one proxy.',
  options: {
    adopt: { type: 'boolean', about: 'move the client’s own servers into our config, behind the entry' },
    file: FILE,
    'no-check': NO_CHECK,
  },
  examples: ['switchyard install claude-desktop', 'switchyard install cursor --adopt'],
  positionals: true,
  run: runInstall,
};

export const uninstall: Command = {
  name: 'uninstall',
  takes: 'CLIENT',
  summary: 'takes our entry out of a client’s file, and puts back what it had before',
  options: { file: FILE },
  examples: ['switchyard uninstall cursor'],
  positionals: true,
  run: runUninstall,
};

/** The step by which a client notices a changed file. */
const THEN: Readonly<Partial<Record<ClientDialect['id'], string>>> = {
  'claude-desktop': 'Quit Claude Desktop and start it again.',
  'claude-code': 'It is there in the next session.',
  cursor: 'Switch the server on in Settings → MCP, or reload the window.',
  vscode: 'VS Code notices by itself; start the server where the file shows "Start".',
  windsurf: 'Press refresh in Cascade’s list of MCP servers.',
  zed: 'Zed notices by itself.',
  cline: 'Cline notices by itself.',
  lmstudio: 'LM Studio notices by itself.',
};

/** The same for an entry that is gone. */
const THEN_WITHOUT: typeof THEN = {
  ...THEN,
  'claude-code': 'It is gone in the next session.',
  cursor: 'Cursor notices by itself; else reload the window.',
  vscode: 'VS Code notices by itself.',
};

async function runInstall({ positionals, options, configFiles, machine, output }: Input): Promise<number> {
  const place = target(positionals, options.text('file'), machine, 'install');
  const { installed, adoption, own } = await withOwnConfig(configFiles, machine, (its) =>
    bothChanged(place, its, options.flag('adopt'), machine),
  );
  const { client, file } = place;
  const { changed, backup } = installed;
  for (const { name, why } of adoption.left) output.note(`${plain(name)} stays where it is: ${plain(why)}`);
  const program = programPath();
  if (/[\\/]_npx[\\/]/.test(program))
    output.note(
      `The entry starts ${program}, which npm may clear away at any time: "npm install -g mcp-switchyard", and install again.`,
    );
  const next = THEN[client.id] ?? `Restart ${client.name}.`;
  const learned = options.flag('no-check') ? [] : await learnServers({ file: own, machine, output });
  const moved = new Set(adoption.taken.map(({ key }) => key));
  const lost =
    moved.size === 0
      ? []
      : lostVariables(
          [...(await readConfig([own], machine)).servers.values()].filter(({ key }) => moved.has(key)),
          machine,
        );
  if (output.json)
    output.document({
      client: client.id,
      file,
      changed,
      backup,
      adopted: adoption.names,
      lostVariables: lost,
      next,
      learned,
    });
  else if (!changed) output.line(`Nothing to do: ${client.name} has the entry already (${file}).`);
  else {
    output.line(
      `${client.name} starts Switchyard now: ${file}${backup === undefined ? '' : `\nAs it was before: ${backup}`}`,
    );
    for (const { name, key } of adoption.taken)
      output.line(`  ${plain(name)} is served from ${own}${key === name ? '' : ` as ${plain(key)}`}`);
    if (lost.length > 0) output.note(lostVariablesText(lost));
    output.line(next);
  }
  return 0;
}

interface Target {
  readonly client: ClientDialect;
  /** Absolute. */
  readonly file: string;
}

/** Our config first: what the client starts then finds there what was moved. Where one fails both are as before. */
async function bothChanged(
  { client, file }: Target,
  own: OwnConfigFile,
  adopts: boolean,
  machine: HostEnvironment,
): Promise<{ readonly installed: Installed; readonly adoption: Adoption; readonly own: string }> {
  const found = readClientFile(client, file, userMachine(machine));
  if (found?.trouble !== undefined) throw new UsageError(`${file} is untouched: ${found.trouble}`);
  try {
    if (own.text === undefined) await changeOwnConfig(own, [{ path: ['mcpServers'], value: {} }]);
    const { stateDir, expose } = await readConfig([own.file], machine);
    const adoption = adopts && found ? await adoptServers(found, own, machine) : NO_ADOPTION;
    const installed = await installEntry({
      client: client.id,
      file,
      stateDir,
      startedBy: startedBy(own.file, entryList(client, expose.list)),
      isOurs: (name) => isOurs(found, name),
      adopted: adoption.names,
      now: new Date(),
    });
    return { installed, adoption, own: own.file };
  } catch (error) {
    await restoreOwnConfig(own);
    if (error instanceof ConfigError) throw error;
    throw new UsageError(`${file} is untouched: ${messageOf(error)}.`);
  }
}

async function runUninstall({ positionals, options, configFiles, machine, output }: Input): Promise<number> {
  const { client, file } = target(positionals, options.text('file'), machine, 'uninstall');
  const { result, own, moved } = await withOwnConfig(configFiles, machine, async (its) => {
    const found = readClientFile(client, file, userMachine(machine));
    if (found?.trouble !== undefined) throw new UsageError(`${file} is untouched: ${found.trouble}`);
    const stateDir = await stateDirOf(its, machine);
    const record = await readRecord(stateDir, file);
    const entry = { client: client.id, file, stateDir, isOurs: (name: string) => isOurs(found, name) };
    const done = await uninstallEntry(entry).catch((error: unknown) => {
      throw new UsageError(`${file} is untouched: ${messageOf(error)}.`);
    });
    return { result: done, own: its.file, moved: record?.moved.length ?? 0 };
  });
  const next = THEN_WITHOUT[client.id] ?? `Restart ${client.name}.`;
  if (output.json) output.document({ client: client.id, file, result, next });
  else if (result === 'not installed') output.line(`${client.name} has no entry of ours (${file}).`);
  else {
    output.line(
      result === 'taken out'
        ? `Our entry is out of ${file}${moved === 0 ? '' : '; what was moved is back'}.`
        : existsSync(file)
          ? `${file} is as it was before.`
          : `${file} is removed: it was not there before.`,
    );
    if (moved > 0)
      output.line(`The servers that were moved stay in ${own}, too; "switchyard remove NAME" takes one out.`);
    output.line(next);
  }
  return 0;
}

/** A config with mistakes must not keep anybody from taking the entry out. */
async function stateDirOf(own: OwnConfigFile, machine: HostEnvironment): Promise<string> {
  try {
    return (await readConfig(own.text === undefined ? [] : [own.file], machine)).stateDir;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const written = stringAt(own.root, 'stateDir');
    return written === undefined ? userStateFolder(machine) : resolve(dirname(own.file), written);
  }
}

function target(
  positionals: readonly string[],
  given: string | undefined,
  machine: HostEnvironment,
  command: string,
): Target {
  const [name, more] = positionals;
  if (name === undefined) throw new UsageError(`switchyard ${command} expects a CLIENT.`);
  if (more !== undefined) throw new UsageError(`One client at a time: unexpected "${more}".`);
  const client = clientNamed(name);
  const places = clientFiles(client.id, machine);
  const file = given ?? places.find((one) => existsSync(one)) ?? places[0] ?? '';
  return { client, file: resolve(machine.cwd, file) };
}

function isOurs(found: ClientFileFound | undefined, name: string): boolean {
  return found?.skipped.some((one) => one.name === name && one.own === true) ?? false;
}

/** A client that searches tools itself gets all of them, in whatever words it introduces itself. */
function entryList({ id }: ClientDialect, list: ExposeConfig['list']): ListMode | undefined {
  return list === 'auto' && clientTraits(id).defers ? 'all' : undefined;
}
