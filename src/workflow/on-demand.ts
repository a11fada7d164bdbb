/**
 * Workflows, loaded on first use: most proxies run none, and the engine with its journal would add a tenth of a second
 * to each start.
 */
import { existsSync } from 'node:fs';
import { messageOf } from '../core/errors.ts';
import type { SavedWorkflow } from './saved/describe-saved.ts';
import type { Workflows, WorkflowsOptions } from './workflows.ts';

export interface WorkflowsOnDemand {
  /** The engine, started. */
  get(): Promise<Workflows>;
  /** The saved workflows that are known by now. */
  saved(): readonly SavedWorkflow[];
  /** A run is, or may be, on record; before that the tools that go on with runs are of no use. */
  hasRuns(): boolean;
  /** Loads the engine at once where there are saved workflows, or earlier runs that may have to go on. */
  start(): void;
  /** Resolves when the saved workflows, if any, have been read. */
  ready(): Promise<void>;
  close(): Promise<void>;
}

const LOOK_AGAIN_MS = 30_000;

/** @param journal the file that only exists if a workflow was ever run. */
export function workflowsOnDemand(options: WorkflowsOptions, journal: string): WorkflowsOnDemand {
  let loading: Promise<Workflows> | undefined;
  let loaded: Workflows | undefined;
  let closed = false;
  let hasRuns = existsSync(journal);

  function get(): Promise<Workflows> {
    return (loading ??= load());
  }

  async function load(): Promise<Workflows> {
    const loadedModule = await import('./workflows.ts');
    const workflows = new loadedModule.Workflows({ ...options, begun: () => know(true) });
    loaded = workflows;
    await workflows.start();
    know(await workflows.hasRuns());
    if (closed) await workflows.close();
    return workflows;
  }

  function know(now: boolean): void {
    if (hasRuns === now) return;
    hasRuns = now;
    options.savedChanged?.();
  }

  return {
    get,
    hasRuns: () => hasRuns,
    saved: () => loaded?.saved() ?? [],
    start() {
      if (closed) return;
      if (options.files.length === 0 && !existsSync(journal)) {
        // Another proxy on this state folder may run one, and die.
        if (options.goesOn !== false) options.clock.after(LOOK_AGAIN_MS, () => this.start());
        return;
      }
      get().catch((error: unknown) => {
        options.log.error({ why: messageOf(error) }, 'workflows could not be started');
      });
    },
    async ready() {
      if (options.files.length > 0) await get();
    },
    async close() {
      closed = true;
      await loaded?.close();
    },
  };
}
