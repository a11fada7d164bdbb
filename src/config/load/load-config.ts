import { readFileSync } from 'node:fs';

import {
  builtInExpose,
  builtInHttp,
  builtInIdleExitMs,
  builtInInline,
  builtInWorkflowLimits,
  builtInLog,
  builtInProxyLimits,
  builtInResults,
} from '../schema/defaults.ts';
import { ConfigError, type ConfigProblem, problemLine } from '../config-error.ts';
import { type ConfigSources, readSources } from './config-sources.ts';
import type { Config, ServerConfig } from '../config.ts';
import { expandTree } from './expand-tree.ts';
import { envValue, type HostEnvironment, pathsOf, userStateFolder } from '../folders.ts';
import { issueProblem } from '../schema/issues.ts';
import { assignNamespaces } from '../schema/namespaces.ts';
import { problemAt } from '../text/parsed-text.ts';
import { type ComposedToolInput, readComposedTools, type TemplateCheck } from './composed-tools.ts';
import { type PoolInput, readPools } from './pools.ts';
import { present } from './present.ts';
import { builtInRetryBudget } from '../resilience-config.ts';
import { type DefaultsInput, type ServerInput, topSchema } from '../schema/schema.ts';
import { buildServerConfig } from './server-config.ts';
import { firstOfEachPath, type InputContext, readDefaults, readServerInput } from './server-input.ts';
import {
  type ConfigNode,
  pathText,
  placeAt,
  plainValue,
  type Source,
  type TableNode,
  withEntries,
} from '../text/tree.ts';
import type { VariableScope } from '../variables.ts';

export interface LoadOptions extends HostEnvironment {
  /** As `findConfigFiles` gives them; relative ones start from `cwd`. Later ones win, per server. */
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
  const servers = readServers(sources, top, context);
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
    warnings: [...sources.warnings, ...top.warnings, ...servers.warnings],
  };
}

/** As one reads the files, from top to bottom. */
function inOrder(problems: readonly ConfigProblem[], files: readonly string[]): readonly ConfigProblem[] {
  return [...firstOfEachPath(problems)].sort(
    (a, b) =>
      files.indexOf(a.file) - files.indexOf(b.file) ||
      (a.line ?? 0) - (b.line ?? 0) ||
      (a.column ?? 0) - (b.column ?? 0),
  );
}

interface TopResult {
  readonly config: Pick<
    Config,
    | 'expose'
    | 'results'
    | 'http'
    | 'limits'
    | 'stateDir'
    | 'tokenStorage'
    | 'idleExitMs'
    | 'log'
    | 'retryBudget'
    | 'workflows'
    | 'check'
  >;
  readonly pools: ReadonlyMap<string, PoolInput>;
  readonly tools: ReadonlyMap<string, ComposedToolInput>;
  readonly defaults: DefaultsInput;
  readonly disabledByDefault: boolean;
  readonly problems: readonly ConfigProblem[];
  readonly warnings: readonly string[];
}

const FORMER_REQUEST_BYTES =
  'http.maxBodyBytes is called limits.requestBytes now, since it holds over stdio as well: move it there.';

function readTop(root: TableNode, machine: HostEnvironment, context: InputContext): TopResult {
  const defaultsNode = root.entries.get('defaults')?.node;
  const defaults =
    defaultsNode === undefined
      ? { input: {}, disabled: false, problems: [] }
      : readDefaults(defaultsNode, context);
  const rest = withEntries(root, new Map([['defaults', undefined]]));
  const expanded = expandTree(rest, [], context.scopeOf);
  const parsed = topSchema.safeParse(plainValue(expanded.node));
  const issues = parsed.success ? [] : parsed.error.issues.map((issue) => issueProblem(issue, rest, []));
  const input = parsed.success ? parsed.data : {};
  const paths = pathsOf(machine.platform);
  const { maxBodyBytes, ...http } = input.http ?? {};
  return {
    warnings: maxBodyBytes === undefined ? [] : [FORMER_REQUEST_BYTES],
    config: {
      expose: { ...builtInExpose, ...present(input.expose ?? {}) },
      results: { ...builtInResults, ...present(input.results ?? {}) },
      http: { ...builtInHttp, ...present(http) },
      log: { ...builtInLog, ...present(input.log ?? {}) },
      limits: {
        ...builtInProxyLimits,
        ...present({ requestBytes: maxBodyBytes, ...present(input.limits ?? {}) }),
      },
      retryBudget: { ...builtInRetryBudget, ...present(input.retryBudget ?? {}) },
      workflows: {
        inline: input.workflows?.inline ?? builtInInline,
        limits: { ...builtInWorkflowLimits, ...present(input.workflows?.limits ?? {}) },
        files: (input.workflows?.files ?? []).map((glob) =>
          paths.resolve(placeAt(rest, ['workflows', 'files']).source.folder, glob),
        ),
      },
      check: {
        calls: (input.check?.calls ?? []).map(({ tool, arguments: args = {} }) => ({
          tool,
          arguments: args,
        })),
      },
      tokenStorage: input.tokenStorage ?? 'auto',
      idleExitMs: input.idleExitMs ?? builtInIdleExitMs,
      stateDir:
        input.stateDir === undefined
          ? userStateFolder(machine)
          : paths.resolve(placeAt(rest, ['stateDir']).source.folder, input.stateDir),
    },
    pools: input.pools ?? new Map(),
    tools: input.tools ?? new Map(),
    defaults: defaults.input ?? {},
    disabledByDefault: defaults.disabled,
    problems: [...defaults.problems, ...expanded.problems, ...issues],
  };
}

interface ServersResult {
  /** Of servers and pools, by key. */
  readonly namespaces: ReadonlyMap<string, string>;
  readonly servers: ReadonlyMap<string, ServerConfig>;
  readonly problems: readonly ConfigProblem[];
  readonly warnings: readonly string[];
}

function readServers(
  sources: ConfigSources,
  { defaults, disabledByDefault, pools }: TopResult,
  context: InputContext,
): ServersResult {
  const problems: ConfigProblem[] = [];
  const warnings: string[] = [];
  const inputs = new Map<string, { readonly node: ConfigNode; readonly input: ServerInput }>();
  // A project's `.env` is often absent: its client's file must still work.
  const lenient = {
    ...context,
    onMissingEnvFile: (problem: ConfigProblem) => warnings.push(problemLine(problem)),
  };
  for (const [key, { node, ofClient }] of sources.servers) {
    const path = ['mcpServers', key];
    const result = readServerInput(node, path, disabledByDefault, ofClient ? lenient : context);
    tell(key, result.problems);
    if (result.input !== undefined && result.problems.length === 0)
      inputs.set(key, { node, input: result.input });
  }
  const claims = [...inputs].map(([key, { input }]) => ({ key, namespace: input.namespace }));

  const poolClaims = [...pools.keys()].filter((key) => !inputs.has(key)).map((key) => ({ key }));
  const { byKey, conflicts } = assignNamespaces([...claims, ...poolClaims]);
  const servers = new Map<string, ServerConfig>();
  for (const [key, { node, input }] of inputs) {
    const path = ['mcpServers', key];
    const owner = conflicts.get(key);
    if (owner !== undefined) {
      const message = `is already the namespace of "${owner}". Choose another one.`;
      problems.push(problemAt(placeAt(node, ['namespace']), pathText([...path, 'namespace']), message));
    }
    const namespace = byKey.get(key) ?? key;
    const built = buildServerConfig({ key, namespace, input, defaults, platform: context.platform });
    if ('server' in built) servers.set(key, built.server);
    else {
      tell(
        key,
        built.problems.map((problem) =>
          problemAt(placeAt(node, problem.path), pathText([...path, ...problem.path]), problem.message),
        ),
      );
    }
  }
  return { servers, namespaces: byKey, problems, warnings };

  function tell(key: string, found: readonly ConfigProblem[]): void {
    if (sources.servers.get(key)?.ofClient !== true) problems.push(...found);
    else if (found.length > 0) {
      const reasons = found.map((problem) => problemLine({ ...problem, file: '' }).trim()).join('; ');
      warnings.push(`${found[0]?.file ?? ''}: the server "${key}" was skipped: ${reasons}`);
    }
  }
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
