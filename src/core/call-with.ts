import type { Call } from './call.ts';

/** The parts of a call that a middleware may replace. */
export type CallChanges = Partial<
  Pick<Call, 'name' | 'params' | 'idempotencyKey' | 'signal' | 'onProgress' | 'ask'>
>;

/**
 * The call with some parts replaced; parts that are `undefined` stay.
 *
 * The object is spelled out, because a spread here costs more than all the rest of the middleware.
 */
export function callWith(call: Call, changes: CallChanges): Call {
  const changed: { readonly [Key in keyof Required<Call>]: Call[Key] } = {
    method: call.method,
    name: changes.name ?? call.name,
    params: changes.params ?? call.params,
    client: call.client,
    headers: call.headers,
    idempotencyKey: changes.idempotencyKey ?? call.idempotencyKey,
    signal: changes.signal ?? call.signal,
    onProgress: changes.onProgress ?? call.onProgress,
    onNotification: call.onNotification,
    ask: changes.ask ?? call.ask,
  };
  return changed;
}
