import { isObject, type Json } from './json.ts';

/** Where in a request's `_meta` it stands. Ours: the protocol has none. */
export const META_IDEMPOTENCY_KEY = 'switchyard/idempotencyKey';

/** The key that a client has given by itself. */
export function idempotencyKeyOf({ object }: Json): string | undefined {
  const meta = object?.['_meta'];
  const key = isObject(meta) ? meta[META_IDEMPOTENCY_KEY] : undefined;
  return typeof key === 'string' ? key : undefined;
}
