/** The journal's thread: a slow disk must not hold up the relay. Requests are answered in their order. */
import { parentPort, workerData } from 'node:worker_threads';
import { openStore, type Store } from './store.ts';

export interface Request {
  readonly id: number;
  readonly method: Exclude<keyof Store, 'repaired'>;
  readonly args: readonly unknown[];
}

export type WorkerReply =
  | { readonly id: number; readonly result: unknown }
  | { readonly id: number; readonly error: { readonly message: string; readonly code: string | undefined } };

const port = parentPort;
if (!port) throw new Error('this is a worker');

let store: Store | undefined;
try {
  store = openStore((workerData as { readonly file: string }).file);
  port.postMessage({ id: 0, result: store.repaired } satisfies WorkerReply);
} catch (error) {
  port.postMessage(failure(0, error));
}

port.on('message', ({ id, method, args }: Request) => {
  try {
    if (!store) throw new Error('the journal is not open');
    const call = store[method] as (this: Store, ...args: readonly unknown[]) => unknown;
    port.postMessage({ id, result: call.apply(store, [...args]) } satisfies WorkerReply);
    if (method === 'close') port.close();
  } catch (error) {
    port.postMessage(failure(id, error));
  }
});

function failure(id: number, error: unknown): WorkerReply {
  const { message, code } = error as { readonly message: string; readonly code?: string };
  return { id, error: { message, code } };
}
