/** Findings about Node, about the config, and about the programs and folders that the config names. */
import { accessSync, constants, readFileSync, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { type Config, type StdioTransportConfig } from '../../config/config.ts';
import { ConfigError, problemLine } from '../../config/config-error.ts';
import { envValue, type HostEnvironment } from '../../config/folders.ts';
import { configFiles, readConfig } from '../support/configured.ts';
import { commandSlip } from '../../transport/child-process/errors.ts';
import type { Finding } from './finding.ts';
import { oneLine } from '../terminal/sanitize.ts';
import { UsageError } from '../command.ts';

const OLDEST_NODE = 20;
const SECRET_NAME = /key|token|secret|passw|credential|authorization/i;
const SHORTEST_SECRET = 8;

export function nodeFindings(version: string): Finding[] {
  if (Number.parseInt(version, 10) >= OLDEST_NODE) return [];
  return [
    {
      severity: 'error',
      what: `Node ${version} is too old`,
      cause: `Switchyard needs Node ${OLDEST_NODE} or newer`,
      remedy: 'install a newer Node, and give clients its absolute path',
    },
  ];
}

interface ConfigFindings {
  readonly config: Config | undefined;
  readonly findings: readonly Finding[];
  /** Local servers of which a program or a folder is not there. */
  readonly missing: readonly string[];
}

/** The config, where it can be used, and all that keeps it from it. */
export async function configFindings(
  given: readonly string[],
  machine: HostEnvironment,
): Promise<ConfigFindings> {
  try {
    const files = configFiles(given, machine);
    const config = await readConfig(files, machine);
    const warnings = config.warnings.map((what): Finding => ({
      severity: 'warning',
      what: oneLine(what),
      cause: 'the config holds something that cannot be served',
      remedy: 'correct or remove it',
    }));
    const commands = commandFindings(config, machine);
    return {
      config,
      missing: commands.map(({ key }) => key),
      findings: [
        ...warnings,
        ...commands.map(({ finding }) => finding),
        ...files.flatMap((file) => secretFindings(file, config)),
      ],
    };
  } catch (error) {
    if (error instanceof UsageError)
      return {
        config: undefined,
        missing: [],
        findings: [{ severity: 'error', what: 'no config', cause: error.message, remedy: 'switchyard init' }],
      };
    if (!(error instanceof ConfigError)) throw error;
    return {
      config: undefined,
      missing: [],
      findings: error.problems.map((problem) => ({
        severity: 'error',
        what: oneLine(problemLine(problem)),
        cause: 'the config cannot be used with it',
        remedy:
          'correct it at that place; a variable has to be set for the client that starts the proxy, too',
      })),
    };
  }
}

function commandFindings(
  { servers }: Config,
  machine: HostEnvironment,
): { readonly key: string; readonly finding: Finding }[] {
  return [...servers.values()].flatMap(({ key, disabled, transport }) => {
    if (disabled || transport.kind !== 'stdio') return [];
    const server = oneLine(key, 80);
    const { command, cwd } = transport;
    const found: Finding[] = [];
    if (cwd !== undefined && !statSync(cwd, { throwIfNoEntry: false })?.isDirectory())
      found.push({
        severity: 'error',
        what: `${server}: its working folder does not exist`,
        cause: `cwd is ${oneLine(cwd)}`,
        remedy: 'make the folder, or correct cwd',
      });
    if (!isFound(transport, machine)) {
      const slip = commandSlip(command, cwd);
      found.push({
        severity: 'error',
        // A whole command line may hold secrets.
        what: `${server}: the command ${slip === undefined ? `"${oneLine(command, 120)}" ` : ''}was not found`,
        cause: /[\\/]/.test(command) ? 'there is no such program' : 'it is on no folder of the PATH',
        remedy:
          slip === undefined
            ? 'install it, or write its absolute path: clients often have a shorter PATH than a terminal'
            : oneLine(slip.replace(/\.$/, '')),
      });
    }
    return found.map((finding) => ({ key, finding }));
  });
}

function isFound({ command, cwd, env }: StdioTransportConfig, machine: HostEnvironment): boolean {
  const windows = machine.platform === 'win32';
  const endings = windows ? ['', ...(envValue(machine, 'PATHEXT') ?? '.EXE;.CMD').split(';')] : [''];
  const path = env.get('PATH') ?? envValue(machine, 'PATH') ?? '';
  const folders = /[\\/]/.test(command) ? [''] : path.split(delimiter);
  return folders.some((folder) =>
    endings.some((ending) => isProgram(placed(folder, command + ending, cwd ?? machine.cwd), windows)),
  );
}

function placed(folder: string, file: string, cwd: string): string {
  if (folder !== '') return join(folder, file);
  return /^([\\/]|[A-Za-z]:)/.test(file) ? file : join(cwd, file);
}

function isProgram(file: string, windows: boolean): boolean {
  try {
    accessSync(file, windows ? constants.F_OK : constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

/** Secrets that stand in the file itself: everybody sees them who sees it. */
function secretFindings(file: string, { servers }: Config): Finding[] {
  const text = readFileSync(file, 'utf8');
  const open = [...servers.values()].flatMap(({ key, transport }) => {
    const pairs =
      transport.kind === 'stdio' ? transport.env : 'headers' in transport ? transport.headers : [];
    return [...pairs]
      .filter(
        ([name, value]) => SECRET_NAME.test(name) && value.length >= SHORTEST_SECRET && text.includes(value),
      )
      .map(([name]) => `${oneLine(key, 80)}.${oneLine(name, 80)}`);
  });
  if (open.length === 0) return [];
  const readable = process.platform !== 'win32' && (statSync(file).mode & 0o077) !== 0;
  return [
    {
      severity: 'warning',
      what: `${file} holds secrets in plain text: ${open.join(', ')}`,
      cause: readable
        ? 'other users of this machine may read the file, too'
        : 'whoever gets the file gets them',
      remedy: `write \${NAME} or \${file:PATH} instead${readable ? `, or at least chmod 600 ${file}` : ''}`,
    },
  ];
}
