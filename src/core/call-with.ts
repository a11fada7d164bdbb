import type { Call } from './call.ts';

/** What a part of the pipeline may put in the place of what the call had. */
export type CallChanges = Partial<
  Pick<Call, 'name' | 'params' | 'idempotencyKey' | 'signal' | 'onProgress' | 'ask'>
>;

/**
 * The call with some parts replaced; what is `undefined` stays as it was.
 *
 * Spelled out, because an object spread here costs more than all the rest of the middleware.
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
