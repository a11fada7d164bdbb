import { readFileSync } from 'node:fs';
import { ConfigError, type ConfigProblem } from '../config-error.ts';
import type { Config } from '../config.ts';
import { envValue, type HostEnvironment, pathsOf } from '../folders.ts';
import type { Source } from '../text/tree.ts';
import type { VariableScope } from '../variables.ts';
import { readComposedTools, type TemplateCheck } from './composed-tools.ts';
import { readSources } from './config-sources.ts';
import { readPools } from './pools.ts';
import { readAllServers } from './all-servers.ts';
import { readTop } from './read-top.ts';
import { firstOfEachPath, type InputContext } from './server-input.ts';

export interface LoadOptions extends HostEnvironment {
  /** Paths as `findConfigFiles` gives them; relative ones start from `cwd`. Later files win, per server. */
  readonly files: readonly string[];
  /** Reads otherwise than from the disk: what a file would hold once it is changed. @throws if it cannot be read. */
  readonly readText?: (file: string) => string;
  /** Told of every file that is read, also those that the config names. */
  readonly onRead?: (file: string) => void;
  /**
   * Files that named servers when they were read before: that one says nothing of servers any more, as when it is
   * empty or cut short, is an error then.
   */
  readonly named?: ReadonlySet<string> | undefined;
  /** Told of every file that names servers, by its absolute path. */
  readonly onNamed?: ((file: string) => void) | undefined;
  /** Finds what is wrong in values that hold expressions; without it nothing is checked there. */
  readonly checkTemplates?: (() => Promise<TemplateCheck>) | undefined;
}

/**
 * Files -> one checked Config. Our own files are held to the schema; a client's own file is read as that client
 * reads it, and what cannot be served from it becomes a warning.
 *
 * @throws ConfigError with every problem of every file.
 */
export async function loadConfig(options: LoadOptions): Promise<Config> {
  // async, so that every failure arrives as a rejection; the few small files are read at once.
  const readFile = (path: string): string => {
    options.onRead?.(path);
    return options.readText === undefined ? readFileSync(path, 'utf8') : options.readText(path);
  };
  const context: InputContext = {
    scopeOf: (source) => variableScope(source, options, readFile),
    readFile,
    platform: options.platform,
  };
  const sources = readSources(options.files, { ...options, readFile });
  const top = readTop(sources.top, options, context);
  const servers = readAllServers(sources, { ...top, pools: top.pools.keys() }, context);
  const pools = readPools({
    pools: top.pools,
    servers: servers.servers,
    serverKeys: new Set(sources.servers.keys()),
    namespaces: servers.namespaces,
    root: sources.top,
  });
  const check = top.tools.size > 0 ? await options.checkTemplates?.() : undefined;
  const tools = readComposedTools(top.tools, sources.top, check ?? (() => []));
  const problems = inOrder(
    [...sources.problems, ...top.problems, ...servers.problems, ...pools.problems, ...tools.problems],
    sources.names,
  );
  if (problems.length > 0) throw new ConfigError(problems);
  return {
    ...top.config,
    servers: servers.servers,
    pools: pools.pools,
    tools: tools.tools,
    warnings: [...sources.warnings, ...servers.warnings],
  };
}

/** Sorts problems as one reads the files, from top to bottom. */
function inOrder(problems: readonly ConfigProblem[], files: readonly string[]): readonly ConfigProblem[] {
  return [...firstOfEachPath(problems)].sort(
    (a, b) =>
      files.indexOf(a.file) - files.indexOf(b.file) ||
      (a.line ?? 0) - (b.line ?? 0) ||
      (a.column ?? 0) - (b.column ?? 0),
  );
}

function variableScope(
  source: Source,
  machine: HostEnvironment,
  readFile: (path: string) => string,
): VariableScope {
  return {
    variable: (name) => envValue(machine, name),
    readFile: (path) => readFile(pathsOf(machine.platform).resolve(source.folder, path)),
    userHome: machine.homeDir,
    workspaceFolder: machine.cwd,
  };
}
