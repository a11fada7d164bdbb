/** Workflows as part of the proxy: what their steps may call, whose their runs are, which tools they make. */
import { join } from 'node:path';
import type { AttachedClient } from './clients/attached-client.ts';
import type { Catalog } from '../catalog/catalog.ts';
import type { ClientViews } from './clients/client-views.ts';
import type { Config } from '../config/config.ts';
import type { Client } from '../core/call.ts';
import type { Clock } from '../core/clock.ts';
import { messageOf } from '../core/errors.ts';
import type { Logger } from '../core/logger.ts';
import type { CurrentState } from './current-state.ts';
import type { MetaTool } from '../meta-tools/meta-tools.ts';
import { savedWorkflowTool, savedWorkflowTools, workflowTools } from '../meta-tools/workflow-tools.ts';
import { LATEST_LEGACY } from '../protocol/revisions.ts';
import { startTimeOf } from '../transport/child-process/process-table.ts';
import { workflowsOnDemand, type WorkflowsOnDemand } from '../workflow/on-demand.ts';
import { USER_OF_THIS_MACHINE } from '../workflow/owners.ts';

/** The files of saved workflows may take so long, whatever a list may wait for servers. */
const SAVED_MS = 1000;
/** Stands for a client where none is known: it sees what all see. */
const NOBODY: Client = {
  id: '',
  view: '',
  era: 'legacy',
  protocolVersion: LATEST_LEGACY,
  info: undefined,
  capabilities: {},
  logLevel: undefined,
};

export interface ProxyWorkflowsOptions {
  readonly config: Pick<Config, 'workflows' | 'stateDir'>;
  readonly state: CurrentState;
  readonly views: ClientViews;
  readonly clients: ReadonlyMap<string, AttachedClient>;
  /** All clients see all runs. */
  readonly oneUser: boolean;
  /** Runs that a dead proxy left are gone on with. */
  readonly goesOn: boolean;
  readonly clock: Clock;
  readonly log: Logger;
}

export class ProxyWorkflows {
  readonly onDemand: WorkflowsOnDemand;
  readonly #options: ProxyWorkflowsOptions;
  #saved: { readonly catalog: Catalog; readonly tools: readonly MetaTool[] } | undefined;

  constructor(options: ProxyWorkflowsOptions) {
    this.#options = options;
    const { config, state, views, goesOn, clock, log } = options;
    const isSafe = (name: string, client: Client): boolean =>
      state.now.pipeline.policies.isSafe({ method: 'tools/call', name, client });
    this.onDemand = workflowsOnDemand(
      {
        ...config.workflows,
        folder: config.stateDir,
        stateDir: config.stateDir,
        handle: (call) => state.now.pipeline.steps(call),
        tools: (client) => views.tools(client, (name) => isSafe(name, client ?? NOBODY)),
        ownerOf: (client) => this.#ownerOf(client),
        settled: (client) => views.serverSetOf(client).settled(),
        goesOn,
        startTimeOf,
        savedChanged: () => this.#savedChanged(),
        clock,
        log,
      },
      join(config.stateDir, 'workflows', 'journal.db'),
    );
  }

  get metaTools(): readonly MetaTool[] {
    return workflowTools(this.onDemand);
  }

  /** Saved workflows are judged by the tools that are there. */
  savedTools(catalog: Catalog): readonly MetaTool[] {
    if (this.#saved?.catalog !== catalog) this.#saved = { catalog, tools: savedWorkflowTools(this.onDemand) };
    return this.#saved.tools;
  }

  /** Finds the tool of a saved workflow, for a call: lists have only those that can run now. */
  async savedTool(name: string): Promise<MetaTool | undefined> {
    await this.onDemand.ready();
    const { catalog } = this.#options.views.serverSetOf(undefined);
    const listed = this.savedTools(catalog).find((tool) => tool.name === name);
    return listed ?? savedWorkflowTool(this.onDemand, name);
  }

  /** Waits until the saved workflows are read, at most as long as a list may wait. @param until the clock's time. */
  async savedRead(until: number): Promise<void> {
    const { clock, log } = this.#options;
    let stop = (): void => {};
    const waitMs = Math.max(SAVED_MS, until - clock.now());
    const late = new Promise<void>((done) => (stop = clock.after(waitMs, done)));
    const read = this.onDemand.ready().catch((error: unknown) => {
      log.error({ why: messageOf(error) }, 'the saved workflows could not be read');
    });
    await Promise.race([read, late]);
    stop();
  }

  #savedChanged(): void {
    this.#saved = undefined;
    for (const { listNotifications } of this.#options.clients.values()) listNotifications.changed(['tools']);
  }

  /** A client sees the runs of its person, where tokens tell persons apart, else those of its session. */
  #ownerOf({ id, person }: Client): string {
    const { oneUser, state } = this.#options;
    if (oneUser) return USER_OF_THIS_MACHINE;
    return state.now.config.http.tokens.size > 0 && person !== undefined ? `person ${person}` : id;
  }
}
