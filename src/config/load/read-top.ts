/** The keys of a file beside its servers. */
import type { Config } from '../config.ts';
import type { ConfigProblem } from '../config-error.ts';
import { type HostEnvironment, pathsOf, userStateFolder } from '../folders.ts';
import { zodOf } from '../schema/fields.ts';
import { fill } from '../schema/fill.ts';
import { issueProblem } from '../schema/issues.ts';
import { FIXED_PROXY_LIMITS } from '../schema/limit-keys.ts';
import type { FilledOf } from '../schema/reader.ts';
import type { DefaultsInput } from '../schema/server-keys.ts';
import { type topKeys, topSection } from '../schema/top-keys.ts';
import { placeAt, plainValue, type TableNode, withEntries } from '../text/tree.ts';
import { expandTree } from './expand-tree.ts';
import { type InputContext, readDefaults } from './server-input.ts';

export interface TopResult extends Pick<FilledOf<typeof topKeys>, 'pools' | 'tools'> {
  readonly config: Omit<Config, 'servers' | 'pools' | 'tools' | 'warnings'>;
  readonly defaults: DefaultsInput;
  readonly disabledByDefault: boolean;
  readonly problems: readonly ConfigProblem[];
}

export function readTop(root: TableNode, machine: HostEnvironment, context: InputContext): TopResult {
  const defaultsNode = root.entries.get('defaults')?.node;
  const defaults =
    defaultsNode === undefined
      ? { input: {}, disabled: false, problems: [] }
      : readDefaults(defaultsNode, context);
  const rest = withEntries(root, new Map([['defaults', undefined]]));
  const expanded = expandTree(rest, [], context.scopeOf);
  const parsed = zodOf(topSection).safeParse(plainValue(expanded.node));
  const issues = parsed.success ? [] : parsed.error.issues.map((issue) => issueProblem(issue, rest, []));
  const top = fill(topSection, parsed.success ? parsed.data : {});
  const { expose, results, http, log, limits, retryBudget, workflows, check, tokenStorage, idleExitMs } = top;
  const paths = pathsOf(machine.platform);
  const folderOf = (...path: string[]): string => placeAt(rest, path).source.folder;
  return {
    config: {
      expose,
      results,
      http,
      log,
      retryBudget,
      check,
      tokenStorage,
      idleExitMs,
      limits: { ...limits, ...FIXED_PROXY_LIMITS },
      workflows: {
        inline: workflows.inline,
        limits: workflows.limits,
        files: workflows.files.map((glob) => paths.resolve(folderOf('workflows', 'files'), glob)),
      },
      stateDir:
        top.stateDir === undefined
          ? userStateFolder(machine)
          : paths.resolve(folderOf('stateDir'), top.stateDir),
    },
    pools: top.pools,
    tools: top.tools,
    defaults: defaults.input ?? {},
    disabledByDefault: defaults.disabled,
    problems: [...defaults.problems, ...expanded.problems, ...issues],
  };
}
