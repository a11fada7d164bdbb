import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';

/** Starts `worker.js` of this folder; run from the sources (tests), `worker.ts` by way of tsx. */
export function startWorker(workerData: { readonly file: string }): Worker {
  const extension = extname(new URL(import.meta.url).pathname);
  const url = new URL(`./worker${extension}`, import.meta.url);
  if (extension !== '.ts') return new Worker(url, { workerData });
  const load = `import('tsx/esm/api').then(({ register }) => (register(), import(${JSON.stringify(url.href)})))`;
  return new Worker(load, { eval: true, workerData });
}
