/** The clients that a user names. */
import type { ClientDialect } from '../../config/dialects/client-dialect.ts';
import { dialects } from '../../config/dialects/dialects.ts';
import { listed, nearest } from '../../core/nearest.ts';
import { UsageError } from '../command.ts';

/** @throws UsageError with a guess. */
export function clientNamed(name: string): ClientDialect {
  const id = name.toLowerCase();
  const found = dialects.find((dialect) => dialect.id === id || dialect.name.toLowerCase() === id);
  if (found) return found;
  const ids = dialects.map((dialect) => dialect.id);
  const near = nearest(id, ids);
  throw new UsageError(
    `There is no client "${name}"; there are: ${listed(ids)}.${near === undefined ? '' : ` Did you mean ${near}?`}`,
  );
}
