/** Names a config by its files: what is served by a running proxy, and what a child may not serve again. */
import { createHash } from 'node:crypto';

/** @param files absolute, in the order in which they are merged. */
export function configId(files: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(files)).digest('base64url').slice(0, 16);
}
