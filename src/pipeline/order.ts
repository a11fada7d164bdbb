/**
 * The order in which middleware stands around a call, outermost first. docs/architecture.md draws it with the same
 * names.
 */
import type { Handler, Middleware } from '../core/call.ts';
import { compose } from './compose.ts';

/** The layers that a workflow's step and a client's call have in common. */
export const STEP_ORDER = [
  'composed tools',
  'bound',
  'known',
  'cache',
  'deadline',
  'idempotency key',
  'retry',
] as const;

export const CALL_ORDER = ['meta-tools', ...STEP_ORDER] as const;

/** The layers around each server; every attempt passes them anew. */
export const SERVER_ORDER = [
  'login',
  'observe',
  'trace',
  'circuit breaker',
  'concurrency',
  'idempotency argument',
  'timeout',
] as const;

/** The handler with these layers around it in this order, however they are written down; `undefined` leaves one out. */
export function composeInOrder<Name extends string>(
  order: readonly Name[],
  layers: Readonly<Record<Name, Middleware | undefined>>,
  handler: Handler,
): Handler {
  return compose(
    order.flatMap((name) => layers[name] ?? []),
    handler,
  );
}
