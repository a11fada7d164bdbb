/** The checker of output schemas, there from the first listing on that has one. */
import type { Listing } from '../../core/listing.ts';
import type { Logger } from '../../core/logger.ts';
import type { SchemaChecker } from './schema-checker.ts';

export function schemaChecks(log: Logger): SchemaChecker {
  let checker: Promise<SchemaChecker> | undefined;
  return {
    async checked(listing: Listing, before: Listing | undefined) {
      // The key, plain or in escapes.
      if (!listing.tools.some(({ text }) => /outputSchema|\\u/.test(text)))
        return { now: listing, later: undefined };
      checker ??= load(log);
      return (await checker).checked(listing, before);
    },
    close() {
      void checker?.then((its) => its.close());
    },
  };
}

async function load(log: Logger): Promise<SchemaChecker> {
  const [{ createSchemaChecker }, { startSchemaWorker }] = await Promise.all([
    import('./schema-checker.ts'),
    import('./start-schema-worker.ts'),
  ]);
  return createSchemaChecker({ startWorker: startSchemaWorker, log });
}
