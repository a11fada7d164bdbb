/** One proxy with a raw downstream on every transport and raw clients on every side. */
import type fc from 'fast-check';
import { startFuzzProxy, type FuzzProxy } from './fuzz-proxy.ts';
import { type Kind, serve, type Served } from './raw-carriers.ts';
import { legacyHttpClient, modernHttpClient, type RawClient, stdioClients } from './raw-client.ts';
import { type Era, RawDownstream, type RawListing } from './raw-downstream.ts';

export const CARRIERS = {
  pipe: ['stdio', 'legacy'],
  tcp: ['tcp', 'legacy'],
  ws: ['websocket', 'legacy'],
  old: ['sse', 'legacy'],
  http: ['http', 'legacy'],
  newhttp: ['http', 'modern'],
  newtcp: ['tcp', 'modern'],
} as const satisfies Readonly<Record<string, readonly [Kind, Era]>>;

export type ServerName = keyof typeof CARRIERS;
export const SERVERS = Object.keys(CARRIERS) as ServerName[];

export const CLIENTS = ['stdio', 'modern stdio', 'http', 'modern http'] as const;
export type ClientName = (typeof CLIENTS)[number];

/** A server that answers nonsense is called again and again. */
const PATIENT = { timeoutMs: 5000, circuitBreaker: { failureThreshold: 1_000_000 } };

export interface RawWorld {
  readonly proxy: FuzzProxy;
  readonly clients: Readonly<Record<ClientName, RawClient>>;
  readonly downstreams: Readonly<Record<ServerName, RawDownstream>>;
  readonly served: Readonly<Record<ServerName, Served>>;
  close(): Promise<void>;
}

export async function openRawWorld(listingFor: (name: ServerName) => RawListing): Promise<RawWorld> {
  const downstreams = fromNames((name) => new RawDownstream(name, CARRIERS[name][1], listingFor(name)));
  const all = await Promise.all(SERVERS.map((name) => serve(CARRIERS[name][0], downstreams[name])));
  const served = fromNames((name) => all[SERVERS.indexOf(name)] as Served);
  const proxy = await startFuzzProxy(fromNames((name) => ({ ...served[name].entry, ...PATIENT })));
  const { legacy, modern } = await stdioClients(proxy);
  return {
    proxy,
    downstreams,
    served,
    clients: {
      stdio: legacy,
      'modern stdio': modern,
      http: await legacyHttpClient(proxy),
      'modern http': modernHttpClient(proxy),
    },
    async close() {
      await proxy.close();
      for (const one of all) one.close();
    },
  };
}

function fromNames<T>(make: (name: ServerName) => T): Record<ServerName, T> {
  return Object.fromEntries(SERVERS.map((name) => [name, make(name)])) as Record<ServerName, T>;
}

/** How often each property is tried: `FUZZ_RUNS` raises it, `FUZZ_SEED` repeats a failure that was printed. */
export function runs(few: number): fc.Parameters<unknown> {
  const { FUZZ_RUNS, FUZZ_SEED } = process.env;
  return {
    numRuns: FUZZ_RUNS === undefined ? few : Number(FUZZ_RUNS),
    ...(FUZZ_SEED !== undefined && { seed: Number(FUZZ_SEED) }),
    // Each try goes through several processes.
    interruptAfterTimeLimit: 300_000,
    markInterruptAsFailure: true,
  };
}
