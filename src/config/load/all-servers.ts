/** All servers of all files: each checked, with the defaults and a namespace of its own. */
import { type ConfigProblem, problemLine } from '../config-error.ts';
import type { ServerConfig } from '../config.ts';
import { assignNamespaces } from '../schema/namespaces.ts';
import type { DefaultsInput, ServerInput } from '../schema/server-keys.ts';
import { problemAt } from '../text/parsed-text.ts';
import { type ConfigNode, pathText, placeAt } from '../text/tree.ts';
import type { ConfigSources } from './config-sources.ts';
import { buildServerConfig } from './server-config.ts';
import { type InputContext, readServerInput } from './server-input.ts';

export interface ServersContext {
  readonly defaults: DefaultsInput;
  readonly disabledByDefault: boolean;
  /** Keys of the pools: they take namespaces as well. */
  readonly pools: Iterable<string>;
}

export interface ServersResult {
  /** Namespaces of servers and pools, by key. */
  readonly namespaces: ReadonlyMap<string, string>;
  readonly servers: ReadonlyMap<string, ServerConfig>;
  readonly problems: readonly ConfigProblem[];
  readonly warnings: readonly string[];
}

export function readAllServers(
  sources: ConfigSources,
  { defaults, disabledByDefault, pools }: ServersContext,
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

  const poolClaims = [...pools].filter((key) => !inputs.has(key)).map((key) => ({ key }));
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
