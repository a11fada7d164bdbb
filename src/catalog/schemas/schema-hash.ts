import { createHash } from 'node:crypto';

/** The hash that a schema is known by. @param text as it came. */
export function schemaHash(text: string): string {
  return createHash('sha256').update(text).digest('base64url').slice(0, 22);
}
