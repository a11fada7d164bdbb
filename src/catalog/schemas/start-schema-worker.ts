import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';

/** Starts `schema-worker.js` of this folder; run from the sources (tests), `schema-worker.ts` by way of tsx. */
export function startSchemaWorker(): Worker {
  // A schema that wants more is not one that a client should get.
  const resourceLimits = { maxOldGenerationSizeMb: 256 };
  const extension = extname(new URL(import.meta.url).pathname);
  const url = new URL(`./schema-worker${extension}`, import.meta.url);
  if (extension !== '.ts') return new Worker(url, { resourceLimits });
  const load = `import('tsx/esm/api').then(({ register }) => (register(), import(${JSON.stringify(url.href)})))`;
  return new Worker(load, { eval: true, resourceLimits });
}
