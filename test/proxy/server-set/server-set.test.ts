/** What a client's greeting and its first lists wait for, and what not. */
import { expect, test } from 'vitest';
import { ServerSet, type ServerInstance } from '../../../src/proxy/server-set/server-set.ts';
import type { Listing } from '../../../src/core/listing.ts';
import { entry } from '../../catalog/builders.ts';
import { HandClock, settle } from '../../harness/clock.ts';

const RULES = { include: [], exclude: [], rename: new Map(), override: new Map() };

/** A server that lists when told to, or never. */
class Server {
  listing: Listing | undefined;
  readonly remembered = false;
  state = 'starting';
  changed: () => void = () => {};

  get shownListing(): Listing | undefined {
    return this.listing;
  }

  hung = false;
  failed = false;

  get expected(): boolean {
    return this.listing === undefined && !this.failed;
  }

  get awaited(): boolean {
    return this.expected && !this.hung;
  }

  waitedInVain(): void {
    this.hung = true;
  }

  recall(): void {
    // Nothing is remembered of it.
  }

  start(): void {
    // It is coming up already.
  }

  fails(): void {
    this.failed = true;
    this.changed();
  }

  lists(instructions: string): void {
    this.state = 'ready';
    this.listing = entry('any', { instructions }).listing;
    this.changed();
  }
}

const WAIT_MS = 5000;

function serverSetOf(
  names: readonly string[],
  prepare: (server: Server, name: string) => void = () => {},
): {
  readonly clock: HandClock;
  readonly serverSet: ServerSet;
  readonly servers: ReadonlyMap<string, Server>;
  readonly handshakeDone: () => boolean;
} {
  const clock = new HandClock();
  const servers = new Map(names.map((name) => [name, new Server()]));
  for (const [name, server] of servers) prepare(server, name);
  const serverSet = new ServerSet({
    config: {
      servers: names.map((server) => ({ server, namespace: server, tools: RULES, maxTools: 10 })),
      pools: [],
      shown: names,
      catalog: { prefix: true, maxNameLength: 64, origin: false, reserved: new Set(), metaTools: true },
      listWaitMs: undefined,
    },
    own: () => true,
    ownOnDemand: () => false,
    make: (name, changed) => {
      const downstream = servers.get(name) as Server;
      downstream.changed = changed;
      return { downstream } as unknown as ServerInstance;
    },
    shared: undefined,
    clock,
    changed: () => {},
  });
  serverSet.start();
  let over = false;
  void serverSet.settled(clock.now() + WAIT_MS).then(() => (over = true));
  return { clock, serverSet, servers, handshakeDone: () => over };
}

test('a greeting goes out as soon as all servers are there, and tells what they say', async () => {
  const { serverSet, servers, handshakeDone } = serverSetOf(['one', 'two']);
  servers.get('one')?.lists('Use one.');
  await settle();
  expect(handshakeDone()).toBe(false);
  servers.get('two')?.lists('Use two.');
  await settle();
  expect(handshakeDone()).toBe(true);
  expect(serverSet.catalog.instructions).toMatch(/Use one\.[\s\S]*Use two\./);
});

test('a server that lives and has not failed is waited for until the time is over, however quick the others were', async () => {
  const { clock, servers, handshakeDone } = serverSetOf(['one', 'two', 'slow']);
  await clock.pass(10);
  servers.get('one')?.lists('Use one.');
  servers.get('two')?.lists('Use two.');
  await clock.pass(WAIT_MS - 11);
  expect(handshakeDone()).toBe(false);
  await clock.pass(1);
  expect(handshakeDone()).toBe(true);
});

test('the slowest of many is waited for as long as it takes, and no longer', async () => {
  const names = ['one', 'two', 'three', 'four'];
  const { clock, serverSet, servers, handshakeDone } = serverSetOf(names);
  for (const name of names) {
    expect(handshakeDone()).toBe(false);
    await clock.pass(1100);
    servers.get(name)?.lists(`Use ${name}.`);
    await settle();
  }
  expect(handshakeDone()).toBe(true);
  expect(serverSet.catalog.instructions).toMatch(/Use four\./);
});

test('one that fails is waited for no more', async () => {
  const { clock, servers, handshakeDone } = serverSetOf(['one', 'broken']);
  servers.get('one')?.lists('Use one.');
  await clock.pass(100);
  expect(handshakeDone()).toBe(false);
  servers.get('broken')?.fails();
  await settle();
  expect(handshakeDone()).toBe(true);
});

test('one that was waited for in vain before is left out', async () => {
  const { servers, handshakeDone } = serverSetOf(['one', 'mute'], (server, name) => {
    server.hung = name === 'mute';
  });
  servers.get('one')?.lists('Use one.');
  await settle();
  expect(handshakeDone()).toBe(true);
});

test('nothing is waited for where all is remembered', async () => {
  const { handshakeDone } = serverSetOf(['one', 'two'], (server) => {
    server.listing = entry('any', {}).listing;
  });
  await settle();
  expect(handshakeDone()).toBe(true);
});
