import type { Json } from '../json/json.ts';

/** Where in a request's `_meta` it stands. Ours: the protocol has none. */
export const META_IDEMPOTENCY_KEY = 'switchyard/idempotencyKey';

/** The key that a client has given by itself. */
export function idempotencyKeyOf(params: Json): string | undefined {
  const key = params.at('_meta', META_IDEMPOTENCY_KEY);
  return typeof key === 'string' ? key : undefined;
}
