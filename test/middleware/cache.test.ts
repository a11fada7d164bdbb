import { describe, expect, test } from 'vitest';
import type { Call } from '../../src/core/call.ts';
import { at, Json } from '../../src/json/json.ts';
import { cache, type CachePlan } from '../../src/middleware/cache.ts';
import { canonical } from '../../src/middleware/cache.ts';
import { CacheStore } from '../../src/middleware/cache-store.ts';
import { answer, callOf, client, failure, quiet, Stage } from '../harness/builders.ts';
import { HandClock, settle } from '../harness/clock.ts';

const PLAN: CachePlan = {
  server: 'tavern',
  name: 'search',
  generation: '1',
  ttlMs: 60_000,
  staleIfErrorMs: 0,
  shared: false,
};

function arrange(plan: Partial<CachePlan> = {}): {
  clock: HandClock;
  stage: Stage;
  store: CacheStore;
  plan: { -readonly [key in keyof CachePlan]: CachePlan[key] };
  call: (call?: Call) => Promise<Json>;
  answered: (call?: Call, result?: object) => Promise<unknown>;
} {
  const clock = new HandClock();
  const stage = new Stage();
  const store = new CacheStore({ maxBytes: 100_000, clock });
  const current = { ...PLAN, ...plan };
  const wrapped = cache({
    planOf: ({ name }) => (name === 'search' ? current : undefined),
    invalidates: ({ name }) => (name === 'create' ? 'tavern' : undefined),
    store,
    clock,
  })(stage.handle);
  const call = (one: Call = callOf()): Promise<Json> => quiet(wrapped(one));
  return {
    clock,
    stage,
    store,
    plan: current,
    call,
    /** The mark of a call that the server would answer. */
    answered: async (one = callOf(), result = { content: [] }) => {
      const before = stage.calls.length;
      const done = call(one);
      await settle();
      if (stage.calls.length > before) stage.last.resolve(answer(result));
      return at((await done).value, '_meta', 'switchyard/cache');
    },
  };
}

const HIT = { hit: true, ageMs: 0, stale: false };
const MISS = { hit: false, ageMs: 0, stale: false };

describe('a cached answer', () => {
  test('is given again, and says how old it is', async () => {
    const { clock, answered } = arrange();
    expect(await answered()).toEqual(MISS);
    await clock.pass(5_000);
    expect(await answered()).toEqual({ hit: true, ageMs: 5_000, stale: false });
  });

  test('is otherwise what the server sent, to the letter', async () => {
    const { stage, call } = arrange();
    const first = call();
    stage.last.resolve(Json.fromText('{"content": [], "x": 9007199254740993, "_meta": {"a": 1}}'));
    await first;
    expect((await call()).text).toBe(
      '{"content": [], "x": 9007199254740993, "_meta": {"a": 1,"switchyard/cache":{"hit":true,"ageMs":0,"stale":false}}}',
    );
  });

  test('H12 is gone after its time, whatever the time of day does', async () => {
    const { clock, answered } = arrange();
    const today = Date.now;
    try {
      await answered();
      Date.now = () => today() + 3_600_000;
      expect(await answered()).toEqual(HIT);
      Date.now = () => today() - 3_600_000;
      await clock.pass(60_000);
      expect(await answered()).toEqual(MISS);
    } finally {
      Date.now = today;
    }
  });

  test.each([
    ['isError', { isError: true, content: [] }],
    ['a question', { resultType: 'input_required', inputRequests: {} }],
    ['a task', { task: { taskId: '1' } }],
  ])('is never %s', async (_, result) => {
    const { stage, answered } = arrange();
    expect(await answered(callOf(), result)).toBeUndefined();
    await answered(callOf(), result);
    expect(stage.calls).toHaveLength(2);
  });

  test('is never an answer to a question round', async () => {
    const { stage, answered } = arrange();
    await answered();
    const params = Json.fromText('{"name":"search","arguments":{},"inputResponses":{}}');
    expect(await answered(callOf('search', { params }))).toBeUndefined();
    expect(stage.calls).toHaveLength(2);
  });
});

describe('the key', () => {
  test.each([
    [
      'key order',
      '{"a":1,"b":{"c":[1,{"x":1,"y":2}],"d":2}}',
      '{ "b": {"d":2, "c":[1, {"y":2,"x":1}]}, "a":1 }',
      true,
    ],
    ['a number and a text', '{"a":1}', '{"a":"1"}', false],
    ['integers that a double cannot tell apart', '{"a":9007199254740992}', '{"a":9007199254740993}', false],
    ['the order of a list', '[1,2]', '[2,1]', false],
    ['null and absence', '{"a":null}', '{}', false],
  ])('%s', (_, a, b, same) => {
    expect(canonical(a) === canonical(b)).toBe(same);
  });

  test('F09 holds the caller', async () => {
    const { answered } = arrange();
    await answered(callOf('search', { client: client('anna') }));
    expect(await answered(callOf('search', { client: client('ben') }))).toEqual(MISS);
    expect(await answered(callOf('search', { client: client('anna') }))).toEqual(HIT);
  });

  test('leaves the caller out where the operator says so', async () => {
    const { answered } = arrange({ shared: true });
    await answered(callOf('search', { client: client('anna') }));
    expect(await answered(callOf('search', { client: client('ben') }))).toEqual(HIT);
  });

  test('H11 holds the life of the server', async () => {
    const { plan, answered } = arrange();
    await answered();
    plan.generation = '2';
    expect(await answered()).toEqual(MISS);
  });
});

describe('a single flight', () => {
  test('H10 serves a hundred equal calls with one, and keeps no failure', async () => {
    const { stage, call } = arrange();
    const failed = Array.from({ length: 100 }, () => call());
    expect(stage.calls).toHaveLength(1);
    stage.last.reject(failure('DOWNSTREAM_FAILED'));
    for (const one of failed) await expect(one).rejects.toMatchObject({ code: 'DOWNSTREAM_FAILED' });
    const served = Array.from({ length: 100 }, () => call());
    expect(stage.calls).toHaveLength(2);
    stage.last.resolve();
    expect(await Promise.all(served)).toHaveLength(100);
    await call();
    expect(stage.calls).toHaveLength(2);
  });

  test('goes on when one of two leaves, and ends when both have left', async () => {
    const { stage, call } = arrange();
    const [anna, ben] = [callOf(), callOf()];
    const [first, second] = [call(anna), call(ben)];
    anna.signal.cancel('gone');
    await expect(first).rejects.toMatchObject({ code: 'CANCELLED' });
    expect(stage.last.call.signal.cancelled).toBe(false);
    ben.signal.cancel('gone too');
    await expect(second).rejects.toMatchObject({ code: 'CANCELLED' });
    expect(stage.last.call.signal.cancelled).toBe(true);
    void call();
    expect(stage.calls).toHaveLength(2);
  });

  test('tells everybody of the progress', async () => {
    const { stage, call } = arrange();
    const heard: string[] = [];
    void call(callOf('search', { onProgress: () => heard.push('anna') }));
    void call(callOf('search', { onProgress: () => heard.push('ben') }));
    stage.last.call.onProgress?.(Json.of({ progress: 1 }));
    expect(heard).toEqual(['anna', 'ben']);
  });

  test('asks for each caller where the server asks the caller', async () => {
    const { stage, call } = arrange();
    const ask = async (): Promise<Json> => Json.of({});
    const both = [call(callOf('search', { ask })), call(callOf('search', { ask }))];
    await stage.calls[0]?.call.ask?.({
      method: 'x',
      params: Json.of({}),
      server: 'tavern',
      signal: callOf().signal,
    });
    stage.calls[0]?.resolve(answer({ content: ['for the first'] }));
    await settle();
    stage.calls[1]?.resolve(answer({ content: ['for the second'] }));
    expect((await Promise.all(both)).map(({ value }) => at(value, 'content'))).toEqual([
      ['for the first'],
      ['for the second'],
    ]);
    await settle();
    void call();
    expect(stage.calls).toHaveLength(3);
  });
});

describe('dropping', () => {
  test('H11 forgets what a server said before', async () => {
    const { store, answered } = arrange();
    await answered();
    store.drop('tavern');
    expect(await answered()).toEqual(MISS);
  });

  test('a call that changes something makes what was read before worthless', async () => {
    const { answered } = arrange();
    await answered();
    await answered(callOf('create'));
    expect(await answered()).toEqual(MISS);
  });

  test('so does one whose outcome is unknown, but not one that did not arrive or answered isError', async () => {
    const { stage, call, answered } = arrange();
    await answered();
    for (const delivered of [false, 'unknown'] as const) {
      const failed = call(callOf('create'));
      stage.last.reject(failure('DOWNSTREAM_FAILED', delivered));
      await failed.catch(() => {});
      expect(await answered()).toEqual(delivered === false ? HIT : MISS);
    }
    await answered(callOf('create'), { isError: true });
    expect(await answered()).toEqual(HIT);
  });

  test('an answer that was under way is neither kept nor given to those who ask after the drop', async () => {
    const { stage, call, answered } = arrange();
    const early = call();
    await answered(callOf('create'));
    const late = call();
    expect(stage.calls).toHaveLength(3);
    stage.calls[0]?.resolve(answer({ content: ['old'] }));
    await early;
    stage.calls[2]?.resolve(answer({ content: ['new'] }));
    expect(at((await late).value, 'content')).toEqual(['new']);
    expect(at((await call()).value, 'content')).toEqual(['new']);
  });
});

describe('an old answer', () => {
  test.each(['DOWNSTREAM_UNAVAILABLE', 'CIRCUIT_OPEN', 'DOWNSTREAM_FAILED', 'TIMEOUT'] as const)(
    'is given, marked, on %s within staleIfErrorMs',
    async (code) => {
      const { clock, stage, call, answered } = arrange({ staleIfErrorMs: 30_000 });
      await answered();
      await clock.pass(70_000);
      const stale = call();
      stage.last.reject(failure(code));
      expect(at((await stale).value, '_meta', 'switchyard/cache')).toEqual({
        hit: true,
        ageMs: 70_000,
        stale: true,
      });
      await clock.pass(20_000);
      const over = call();
      stage.last.reject(failure(code));
      await expect(over).rejects.toMatchObject({ code });
    },
  );

  test('is not given when the call is wrong, cancelled or turned away', async () => {
    const { clock, stage, call, answered } = arrange({ staleIfErrorMs: 30_000 });
    await answered();
    await clock.pass(70_000);
    for (const code of ['CANCELLED', 'BUSY', 'LOGIN_REQUIRED'] as const) {
      const failed = call();
      stage.last.reject(failure(code));
      await expect(failed).rejects.toMatchObject({ code });
    }
  });
});

describe('hints of the answer itself', () => {
  const read = (who: string): Call => callOf('search', { method: 'resources/read', client: client(who) });

  test('tell how long it is kept, and the client gets what is left of it', async () => {
    const { clock, stage, call, answered } = arrange({ ttlMs: 'hinted', shared: 'hinted' });
    await answered(read('anna'), { contents: [], ttlMs: 10_000, cacheScope: 'private' });
    await clock.pass(4_000);
    expect(at((await call(read('anna'))).value, 'ttlMs')).toBe(6_000);
    expect(await answered(read('ben'))).toBeUndefined();
    await clock.pass(6_000);
    expect(await answered(read('anna'))).toBeUndefined();
    expect(stage.calls).toHaveLength(3);
  });

  test('F10 share it only where the server is trusted', async () => {
    const result = { contents: [], ttlMs: 10_000, cacheScope: 'public' };
    const trusted = arrange({ ttlMs: 'hinted', shared: 'hinted' });
    await trusted.answered(read('anna'), result);
    expect(await trusted.answered(read('ben'))).toEqual(HIT);
    const other = arrange({ ttlMs: 'hinted', shared: false });
    await other.answered(read('anna'), result);
    expect(await other.answered(read('ben'), result)).toBeUndefined();
  });

  test('without any, nothing is kept and nothing is added', async () => {
    const { stage, answered } = arrange({ ttlMs: 'hinted', shared: 'hinted' });
    await answered(read('anna'), { contents: [] });
    expect(await answered(read('anna'), { contents: [] })).toBeUndefined();
    expect(stage.calls).toHaveLength(2);
  });
});

test('the store stays within its bytes, and one huge result pushes nobody out', async () => {
  const { store, answered } = arrange();
  await answered();
  for (let i = 0; i < 200; i++)
    await answered(callOf('search', { args: { i } }), { content: ['x'.repeat(1_000)] });
  expect(store.bytes).toBeLessThanOrEqual(100_000);
  const before = store.size;
  await answered(callOf('search', { args: 'huge' }), { content: ['x'.repeat(30_000)] });
  expect(store.size).toBe(before);
});
