/**
 * The road of a call from the clients to the servers, as one config has it; a reload makes a new one.
 *
 * meta-tools → composed tools → bound → known → cache → deadline → idempotency key → retry → router
 */
import type { CallCounts } from './call-counts.ts';
import type { ClientViews } from '../proxy/client-views.ts';
import type { UriMemory } from '../catalog/uris/uri-memory.ts';
import type { ComposedToolConfig } from '../config/resilience-config.ts';
import type { Call, Handler, Middleware } from '../core/call.ts';
import type { Clock } from '../core/clock.ts';
import { unlessCancelled } from '../core/unless-cancelled.ts';
import { definitionOf, type MetaTool, metaTools } from '../meta-tools/meta-tools.ts';
import { cache } from '../middleware/cache.ts';
import { compose } from './compose.ts';
import { deadline } from '../middleware/deadline.ts';
import { idempotencyKey } from '../middleware/idempotency.ts';
import type { ResultStore } from '../middleware/cache-store.ts';
import { retry } from '../middleware/retry.ts';
import type { RetryBudget } from '../middleware/retry-budget.ts';
import { callPolicies, type CallPolicies } from '../routing/call-policies.ts';
import { composedDefinition, composedTools } from '../routing/composed-tools.ts';
import type { Members } from '../routing/topology.ts';
import { Pool } from '../routing/pool.ts';
import { createRouter } from '../routing/router.ts';
import type { TaskIds } from '../routing/task-ids.ts';

export interface CallRoadOptions {
  readonly all: Members;
  readonly views: ClientViews;
  readonly uris: UriMemory;
  readonly tasks: TaskIds;
  /** Outermost, and for all configs the same: what waits is counted over a reload. */
  readonly bounded: Middleware;
  readonly results: ResultStore;
  readonly budget: RetryBudget;
  readonly counts: CallCounts;
  readonly clock: Clock;
  /** The proxy's own tools; those of saved workflows come and go. */
  readonly own: readonly MetaTool[];
  readonly saved: () => readonly MetaTool[];
  /** Tools over several others, from the config. */
  readonly composedTools: readonly ComposedToolConfig[];
}

export interface CallRoad {
  readonly policies: CallPolicies;
  readonly pools: ReadonlyMap<string, Pool>;
  readonly handle: Handler;
  /** What a workflow's step calls: the same without the meta-tools. */
  readonly steps: Handler;
  /** Of the proxy's own tools, as JSON texts. */
  readonly definitions: readonly string[];
}

export function callRoad(options: CallRoadOptions): CallRoad {
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
  /** What a workflow's step and a client's call meet alike. */
  const road = compose(
    [
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
    steps: compose([composed], road),
    handle: compose([metaTools(own, saved), composed], road),
    get definitions() {
      return definitions.filter(({ listed }) => listed?.() !== false).map(({ text }) => text);
    },
  };
}

/** The policies need to know whose call it is; a server that is coming up, or has changed, may be about to tell. */
function whenKnown(policies: CallPolicies, views: ClientViews): Middleware {
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
