/** How long a client's greeting waits for servers that are coming up. */
import { expect, test } from 'vitest';
import { Fleet, type Running } from '../src/fleet.ts';
import type { Listing } from '../src/core/listing.ts';
import { entry } from './catalog/builders.ts';
import { HandClock, settle } from './middleware/builders.ts';

const RULES = { include: [], exclude: [], rename: new Map(), override: new Map() };

/** A server that lists when told to, or never. */
class Server {
  listing: Listing | undefined;
  readonly remembered = false;
  state = 'starting';
  changed: () => void = () => {};

  get offered(): Listing | undefined {
    return this.listing;
  }

  get expected(): boolean {
    return this.listing === undefined;
  }

  recall(): void {
    // Nothing is remembered of it.
  }

  start(): void {
    // It is coming up already.
  }

  lists(instructions: string): void {
    this.state = 'ready';
    this.listing = entry('any', { instructions }).listing;
    this.changed();
  }
}

function fleetOf(names: readonly string[]): {
  readonly clock: HandClock;
  readonly fleet: Fleet;
  readonly servers: ReadonlyMap<string, Server>;
  readonly greeted: () => boolean;
} {
  const clock = new HandClock();
  const servers = new Map(names.map((name) => [name, new Server()]));
  const fleet = new Fleet({
    config: {
      servers: names.map((server) => ({ server, namespace: server, tools: RULES, maxTools: 10 })),
      pools: [],
      shown: names,
      catalog: { prefix: true, maxNameLength: 64, origin: false, reserved: new Set(), metaTools: true },
      listWaitMs: 5000,
    },
    own: () => true,
    ownOnDemand: () => false,
    make: (name, changed) => {
      const downstream = servers.get(name) as Server;
      downstream.changed = changed;
      return { downstream } as unknown as Running;
    },
    shared: undefined,
    clock,
    changed: () => {},
  });
  fleet.start();
  let over = false;
  void fleet.glimpsed().then(() => (over = true));
  return { clock, fleet, servers, greeted: () => over };
}

test('a greeting goes out as soon as all servers are there, and tells what they say', async () => {
  const { fleet, servers, greeted } = fleetOf(['one', 'two']);
  servers.get('one')?.lists('Use one.');
  await settle();
  expect(greeted()).toBe(false);
  servers.get('two')?.lists('Use two.');
  await settle();
  expect(greeted()).toBe(true);
  expect(fleet.catalog.instructions).toMatch(/Use one\.[\s\S]*Use two\./);
});

test('one that does not answer holds the greeting up only a moment longer than the others take', async () => {
  const { clock, servers, greeted } = fleetOf(['one', 'two', 'mute']);
  await clock.pass(100);
  servers.get('one')?.lists('Use one.');
  await clock.pass(39);
  servers.get('two')?.lists('Use two.');
  await clock.pass(39);
  expect(greeted()).toBe(false);
  await clock.pass(1);
  expect(greeted()).toBe(true);
});

test('while nobody has answered, the greeting waits a quarter of a second', async () => {
  const { clock, greeted } = fleetOf(['mute', 'slow']);
  await clock.pass(249);
  expect(greeted()).toBe(false);
  await clock.pass(1);
  expect(greeted()).toBe(true);
});
