import type { ServerInput } from '../schema/server-keys.ts';
import type { PlainValue } from '../text/tree.ts';
import type { ClientContext, ClientServers, ClientTable, SkippedServer } from './client-dialect.ts';
import { isOwnEntry } from './own-entry.ts';
import { asTable } from './values.ts';

/** Thrown by a reader for an entry that cannot be served. The message completes "was skipped: …". */
export class SkipServer extends Error {}

/** Reads the entries one by one: what one of them throws costs that one only. Our own entry is left out. */
export function readServers(
  entries: Iterable<readonly [string, PlainValue]>,
  context: ClientContext,
  readOne: (entry: ClientTable, name: string) => ServerInput,
): ClientServers {
  const servers = new Map<string, ServerInput>();
  const skipped: SkippedServer[] = [];
  for (const [name, value] of entries) {
    const entry = asTable(value);
    if (entry === undefined) {
      skipped.push({ name, reason: 'its entry is not a table' });
    } else if (isOwnEntry(entry, context)) {
      skipped.push({ name, reason: 'it is Switchyard itself', own: true });
    } else {
      try {
        servers.set(name, readOne(entry, name));
      } catch (error) {
        if (!(error instanceof SkipServer)) throw error;
        skipped.push({ name, reason: error.message });
      }
    }
  }
  return { servers, skipped };
}
