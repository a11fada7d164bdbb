/** The pipeline of a call from the clients to the servers, for one config; a reload builds a new one. */
import type { CallCounts } from './call-counts.ts';
import type { UriMemory } from '../catalog/uris/uri-memory.ts';
import type { ComposedToolConfig } from '../config/config.ts';
import { Answer } from '../core/answer.ts';
import type { Call, Client, Handler, Middleware } from '../core/call.ts';
import { unlessCancelled } from '../core/cancellation.ts';
import type { Clock } from '../core/clock.ts';
import { definitionOf, type MetaTool, metaTools, type SavedTool } from '../meta-tools/meta-tools.ts';
import { cache } from '../middleware/cache.ts';
import { deadline } from '../middleware/deadline.ts';
import { idempotencyKey } from '../middleware/idempotency.ts';
import { CLIENT_ORDER, composeInOrder, STEP_ORDER } from './order.ts';
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
  /** Refreshes old lists after a name was found in none of them. */
  missed(): Promise<void>;
}

export interface CallPipelineOptions {
  readonly all: Topology;
  readonly views: { of(client: Client): ClientView };
  readonly uris: UriMemory;
  readonly tasks: TaskIds;
  /** The outermost part: a client's call may mean another tool. */
  readonly exposure: Middleware;
  /** The same for all configs, so that waiting requests are counted across a reload. */
  readonly bounded: Middleware;
  /** Says which tools may be called at all; `undefined` where the config has no such rules. */
  readonly rules: Middleware | undefined;
  readonly results: CacheStore;
  readonly budget: RetryBudget;
  readonly counts: CallCounts;
  readonly clock: Clock;
  readonly own: readonly MetaTool[];
  /** Tools of saved workflows come and go. */
  readonly saved: SavedTool | undefined;
  /** Tools over several others, from the config. */
  readonly composedTools: readonly ComposedToolConfig[];
}

export interface CallPipeline {
  readonly policies: CallPolicies;
  readonly pools: ReadonlyMap<string, Pool>;
  readonly handle: Handler;
  /** The handler for a workflow's steps: the same without the meta-tools. */
  readonly steps: Handler;
  /** The definitions of the proxy's own tools, as JSON texts. */
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
  const { rules } = options;
  const composed = composedTools({
    tools,
    mayGoOn: (call) => isSafe(call) || policies.saysReadOnly(call),
    clock,
  });
  const isComposed = ({ name }: Call): boolean => tools.some((tool) => tool.name === name);
  // Saved workflows may not have been read yet: a name of theirs meets the rules unless a server has it.
  const isOwn = ({ name, client }: Call): boolean =>
    own.some((tool) => tool.name === name) ||
    (name.startsWith('workflow__') && !views.of(client).catalog.tools.has(name));
  const steps = composeInOrder(
    STEP_ORDER,
    {
      'composed tools': ruled(composed, rules, isComposed),
      rules,
      bound: options.bounded,
      known: whenKnown(policies, views),
      cache: cache({ planOf, invalidates, store, clock, counted: counts.cached }),
      deadline: deadline({ deadlineOf, clock }),
      'idempotency key': idempotencyKey(undefined, mayComeTwice),
      retry: retry({ policyOf, isSafe, budget, clock, random: Math.random, retried: counts.retried }),
    },
    createRouter({ viewOf: (client) => views.of(client), uris, tasks: options.tasks }),
  );
  const definitions = [
    ...own.map((tool) => ({ text: definitionOf(tool), listed: tool.listed })),
    ...tools.map((tool) => ({ text: composedDefinition(tool), listed: undefined })),
  ];
  return {
    policies,
    pools,
    steps,
    handle: composeInOrder(
      CLIENT_ORDER,
      { exposure: options.exposure, 'meta-tools': ruled(metaTools(own, saved), rules, isOwn) },
      steps,
    ),
    get definitions() {
      return definitions.filter(({ listed }) => listed?.() !== false).map(({ text }) => text);
    },
  };
}

/** Rules in front of tools that a layer answers itself; calls of all others meet the rules further in. */
function ruled(
  layer: Middleware,
  rules: Middleware | undefined,
  answers: (call: Call) => boolean,
): Middleware {
  if (!rules) return layer;
  return (next) => {
    const free = layer(next);
    const bound = rules(free);
    return (call) => (answers(call) ? bound(call) : free(call));
  };
}

/** The policies need to know whose call it is; a server that is coming up, or has changed, may be about to tell. */
function whenKnown(policies: CallPolicies, views: { of(client: Client): ClientView }): Middleware {
  return (next) => (call) =>
    policies.knows(call) ? next(call) : Answer.from(lookedFor(call).then(() => next(call)));

  async function lookedFor(call: Call): Promise<void> {
    const view = views.of(call.client);
    await unlessCancelled(
      view.appears(() => policies.knows(call), call),
      call.signal,
    );
    // URIs in no list are normal where there are templates, and servers are asked for them anyway.
    if (!policies.knows(call) && call.method !== 'resources/read' && call.name !== '')
      await unlessCancelled(view.missed(), call.signal);
  }
}
