/** How long the first answers to a client may wait, by who it is and how it came. */
import { describe, expect, test } from 'vitest';
import { ListWait } from '../../src/proxy/clients/list-wait.ts';
import { patienceOf } from '../../src/server/client-patience.ts';
import { HandClock } from '../harness/clock.ts';

const legacy = (name?: string, overHttp = false) =>
  patienceOf({ era: 'legacy', info: name === undefined ? undefined : { name, version: '1' } }, overHttp);
const modern = (name?: string) =>
  patienceOf({ era: 'modern', info: name === undefined ? undefined : { name, version: '1' } }, false);

describe('the patience of a client', () => {
  /** What each gives up after, as found in its own code: for the greeting, and for greeting and list together. */
  test.each([
    ['claude-code', 30_000, 60_000],
    ['codex-mcp-client', 10_000, 10_000],
    ['opencode', 5_000, 10_000],
    ['qwen-cli-mcp-client-switchyard', 30_000, 30_000],
    ['mcp', 5_000, 10_000],
    ['fastmcp', 5_000, 300_000],
    ['mcp-use', 60_000, 120_000],
    ['who-is-this', 5_000, 60_000],
  ])('%s is answered before it gives up, a second for our own start included', (name, identity, together) => {
    const { greetingMs, listMs } = legacy(name);
    expect(greetingMs).toBeLessThanOrEqual(identity - 1000);
    expect(greetingMs + listMs).toBeLessThanOrEqual(together - 1000);
  });

  test.each(['ai-sdk-mcp-client', 'named-by-its-user', undefined])(
    'discovery is answered within half a second for %s, which may be the AI SDK',
    (name) => {
      expect(modern(name).greetingMs).toBeLessThan(500);
      expect(modern(name).listMs).toBeGreaterThan(10_000);
    },
  );

  test('over HTTP, where some have to be connected within three seconds, greetings wait less', () => {
    for (const name of ['claude-code', 'switchyard', undefined])
      expect(legacy(name, true).greetingMs).toBeLessThan(3000);
    const { greetingMs, listMs } = legacy('qwen-cli-mcp-client-any', true);
    expect(greetingMs + listMs).toBeLessThan(5000);
  });

  test('a server that a runner fetches has the time it needs where nothing is known of the client', () => {
    expect(legacy().listMs).toBeGreaterThanOrEqual(15_000);
  });
});

describe('the wait of one client', () => {
  const waitOf = (given?: number): { clock: HandClock; wait: ListWait; from: number } => {
    const clock = new HandClock();
    const patience = { greetingMs: 1000, listMs: 4000 };
    return { clock, wait: new ListWait({ patience, given: () => given, clock }), from: clock.now() };
  };

  test('is over for all lists at once, however many are asked for', () => {
    const { clock, wait, from } = waitOf();
    clock.jump(500);
    expect(wait.listUntil).toBe(from + 4500);
    clock.jump(3000);
    expect(wait.listUntil).toBe(from + 4500);
  });

  test.each([0, 700, 60_000])('is the one that the config gives, from the greeting on: %i', (given) => {
    const { clock, wait, from } = waitOf(given);
    expect(wait.handshakeUntil).toBe(from + Math.min(given, 1000));
    clock.jump(600);
    expect(wait.listUntil).toBe(from + given);
  });
});
