/**
 * The road of a call from the clients to the servers, as one config has it; a reload makes a new one.
 *
 * exposure → meta-tools → composed tools → bound → known → cache → deadline → idempotency key → retry → router
 */
import type { CallCounts } from './call-counts.ts';
import type { UriMemory } from '../catalog/uris/uri-memory.ts';
import type { ComposedToolConfig } from '../config/resilience-config.ts';
import type { Call, Client, Handler, Middleware } from '../core/call.ts';
import type { Clock } from '../core/clock.ts';
import { unlessCancelled } from '../core/unless-cancelled.ts';
import { definitionOf, type MetaTool, metaTools } from '../meta-tools/meta-tools.ts';
import { cache } from '../middleware/cache.ts';
import { compose } from './compose.ts';
import { deadline } from '../middleware/deadline.ts';
import { idempotencyKey } from '../middleware/idempotency.ts';
import type { CacheStore } from '../middleware/cache-store.ts';
import { retry } from '../middleware/retry.ts';
import type { RetryBudget } from '../middleware/retry-budget.ts';
import { callPolicies, type CallPolicies, type PolicyView } from '../routing/call-policies.ts';
import { composedDefinition, composedTools } from '../routing/composed-tools.ts';
import type { Topology } from '../routing/topology.ts';
import { Pool } from '../routing/pool.ts';
import { createRouter, type View } from '../routing/router.ts';
import type { TaskIds } from '../routing/task-ids.ts';

/** The servers and the catalog as one client sees them. */
export interface ClientView extends View, PolicyView {
  /** A name is in no list: lists that are old are asked for again. */
  missed(): Promise<void>;
}

export interface CallPipelineOptions {
  readonly all: Topology;
  readonly views: { of(client: Client): ClientView };
  readonly uris: UriMemory;
  readonly tasks: TaskIds;
  /** Outermost, and for all configs the same: what waits is counted over a reload. */
  readonly bounded: Middleware;
  /** Before everything else: a client's call may mean another tool. */
  readonly outermost: Middleware;
  /** Which tools may be called at all; there if the config says so. */
  readonly rules: Middleware | undefined;
  readonly results: CacheStore;
  readonly budget: RetryBudget;
  readonly counts: CallCounts;
  readonly clock: Clock;
  /** The proxy's own tools; those of saved workflows come and go. */
  readonly own: readonly MetaTool[];
  readonly saved: () => readonly MetaTool[];
  /** Tools over several others, from the config. */
  readonly composedTools: readonly ComposedToolConfig[];
}

export interface CallPipeline {
  readonly policies: CallPolicies;
  readonly pools: ReadonlyMap<string, Pool>;
  readonly handle: Handler;
  /** What a workflow's step calls: the same without the meta-tools. */
  readonly steps: Handler;
  /** Of the proxy's own tools, as JSON texts. */
  readonly definitions: readonly string[];
}

export function callPipeline(options: CallPipelineOptions): CallPipeline {
  const {
    composedTools: tools,
    all,
    views,
    uris,
    results: store,
    budget,
    counts,
    clock,
    own,
    saved,
  } = options;
  const policies = callPolicies({ members: all, viewOf: ({ client }) => views.of(client), uris });
  const pools = new Map(
    [...all.pools.values()].map(({ key, strategy }) => [
      key,
      new Pool({ key, strategy, isSafe: policies.isSafeAt, budget, clock, failedOver: counts.failedOver }),
    ]),
  );
  const { cachePlanOf: planOf, invalidates, retryOf: policyOf, isSafe, deadlineOf, mayComeTwice } = policies;
  const rules = options.rules ? [options.rules] : [];
  const ownNames = new Set([...own, ...tools].map(({ name }) => name));
  const ownRules = rules.map((one) =>
    whereNamed(one, (name) => ownNames.has(name) || name.startsWith('workflow__')),
  );
  /** What a workflow's step and a client's call meet alike. */
  const pipeline = compose(
    [
      ...rules,
      options.bounded,
      whenKnown(policies, views),
      cache({ planOf, invalidates, store, clock, counted: counts.cached }),
      deadline({ deadlineOf, clock }),
      idempotencyKey(undefined, mayComeTwice),
      retry({ policyOf, isSafe, budget, clock, random: Math.random, retried: counts.retried }),
    ],
    createRouter({ viewOf: (client) => views.of(client), uris, tasks: options.tasks }),
  );
  const composed = composedTools({
    tools,
    mayGoOn: (call) => isSafe(call) || policies.saysReadOnly(call),
    clock,
  });
  const definitions = [
    ...own.map((tool) => ({ text: definitionOf(tool), listed: tool.listed })),
    ...tools.map((tool) => ({ text: composedDefinition(tool), listed: undefined })),
  ];
  return {
    policies,
    pools,
    steps: compose([...ownRules, composed], pipeline),
    handle: compose([options.outermost, ...ownRules, metaTools(own, saved), composed], pipeline),
    get definitions() {
      return definitions.filter(({ listed }) => listed?.() !== false).map(({ text }) => text);
    },
  };
}

/** For the calls of some names only. */
function whereNamed(middleware: Middleware, applies: (name: string) => boolean): Middleware {
  return (next) => {
    const within = middleware(next);
    return (call) => (applies(call.name) ? within(call) : next(call));
  };
}

/** The policies need to know whose call it is; a server that is coming up, or has changed, may be about to tell. */
function whenKnown(policies: CallPolicies, views: { of(client: Client): ClientView }): Middleware {
  return (next) => (call) => (policies.knows(call) ? next(call) : lookedFor(call).then(() => next(call)));

  async function lookedFor(call: Call): Promise<void> {
    const view = views.of(call.client);
    await unlessCancelled(
      view.appears(() => policies.knows(call), call),
      call.signal,
    );
    // Addresses that no list has are the rule where there are templates, and servers are asked for them anyway.
    if (!policies.knows(call) && call.method !== 'resources/read' && call.name !== '')
      await unlessCancelled(view.missed(), call.signal);
  }
}
