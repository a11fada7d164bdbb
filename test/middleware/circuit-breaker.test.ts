import { asyncHandler } from '../../src/core/answer.ts';
import { describe, expect, test } from 'vitest';
import type { Handler } from '../../src/core/call.ts';
import { INVALID_PARAMS, ProxyError, RpcError } from '../../src/core/errors.ts';
import type { Json } from '../../src/json/json.ts';
import { Circuit, circuitBreaker, type CircuitChange } from '../../src/middleware/circuit-breaker.ts';
import { answer, callOf, failure, quiet, Stage } from '../harness/builders.ts';
import { HandClock, settle } from '../harness/clock.ts';

const SETTINGS = { failureThreshold: 5, recoveryTimeoutMs: 30_000, halfOpenMaxCalls: 3, successThreshold: 2 };

function arrange(): {
  clock: HandClock;
  circuit: Circuit;
  changes: CircuitChange[];
  server: { answer: () => Json; connected: boolean; reached: number };
  call: (tool?: string) => Promise<Json>;
} {
  const clock = new HandClock();
  const changes: CircuitChange[] = [];
  const server = { answer: (): Json => answer(), connected: true, reached: 0 };
  const circuit = new Circuit({
    server: 'tavern',
    settings: SETTINGS,
    settingsOf: () => SETTINGS,
    connected: () => server.connected,
    clock,
    changed: (change) => changes.push(change),
  });
  const handle: Handler = asyncHandler(async () => {
    server.reached++;
    return server.answer();
  });
  const wrapped = circuitBreaker(circuit)(handle);
  return { clock, circuit, changes, server, call: (tool = 'search') => quiet(wrapped(callOf(tool))) };
}

function throwing(make: () => Error): () => Json {
  return () => {
    throw make();
  };
}

async function codeOf(promise: PromiseLike<unknown>): Promise<string> {
  return promise.then(
    () => 'answered',
    (error: unknown) => (error instanceof ProxyError ? error.code : String(error)),
  );
}

async function times(count: number, act: () => Promise<unknown>): Promise<void> {
  for (let i = 0; i < count; i++) await act().catch(() => {});
}

describe('closed', () => {
  test('H01 opens at exactly the fifth failure in a row', async () => {
    const { circuit, server, call } = arrange();
    server.answer = throwing(() => failure('DOWNSTREAM_FAILED'));
    await times(4, call);
    expect(circuit.state).toBe('closed');
    await times(1, call);
    expect(circuit.state).toBe('open');
  });

  test('H01 opens at exactly the fifth failure after a thousand successes, too', async () => {
    const { circuit, server, call } = arrange();
    await times(1000, call);
    server.answer = throwing(() => failure('DOWNSTREAM_UNAVAILABLE', false));
    await times(4, call);
    expect(circuit.state).toBe('closed');
    await times(1, call);
    expect(circuit.state).toBe('open');
  });

  test('starts counting anew after one success', async () => {
    const { circuit, server, call } = arrange();
    server.answer = throwing(() => failure('DOWNSTREAM_FAILED'));
    await times(4, call);
    server.answer = () => answer();
    await times(1, call);
    server.answer = throwing(() => failure('DOWNSTREAM_FAILED'));
    await times(4, call);
    expect(circuit.state).toBe('closed');
  });

  test.each([
    ['H02 tools that answer isError', () => answer({ isError: true, content: [] })],
    ['arguments that the server refuses', throwing(() => RpcError.of(INVALID_PARAMS, 'no'))],
    ['calls that the client cancels', throwing(() => failure('CANCELLED'))],
    ['a queue that is full', throwing(() => failure('BUSY', false))],
    ['a result that is too large', throwing(() => failure('RESULT_TOO_LARGE', true))],
    ['a login that is missing', throwing(() => failure('LOGIN_REQUIRED', false))],
  ])('stays closed however often it meets %s', async (_, how) => {
    const { circuit, server, call } = arrange();
    server.answer = how;
    await times(100, call);
    expect(circuit.state).toBe('closed');
  });

  test('counts a crash once, however many calls it takes with it', async () => {
    const { circuit, server, call } = arrange();
    const crash = failure('DOWNSTREAM_FAILED');
    const waiting = (): ProxyError => failure('DOWNSTREAM_UNAVAILABLE', false, { cause: crash });
    server.answer = throwing(() => crash);
    await times(10, call);
    server.answer = throwing(waiting);
    await times(10, call);
    expect(circuit.state).toBe('closed');
    server.answer = throwing(() => failure('DOWNSTREAM_FAILED'));
    await times(4, call);
    expect(circuit.state).toBe('open');
  });
});

describe('one tool that fails alone', () => {
  test('is closed off alone when it never answers', async () => {
    const { circuit, server, call, changes } = arrange();
    server.answer = throwing(() => failure('TIMEOUT'));
    await times(5, () => call('slow'));
    expect([circuit.state, ...circuit.tools]).toEqual(['closed', ['slow', 'open']]);
    expect(await codeOf(call('slow'))).toBe('CIRCUIT_OPEN');
    server.answer = () => answer();
    expect(await codeOf(call('quick'))).toBe('answered');
    expect(changes).toEqual([{ state: 'open', tool: 'slow', failures: 5 }]);
  });

  test('is closed off when it fails between successes of the others', async () => {
    const { circuit, server, call } = arrange();
    for (let i = 0; i < 5; i++) {
      server.answer = throwing(() => failure('DOWNSTREAM_FAILED'));
      await times(1, () => call('poison'));
      server.answer = () => answer();
      await times(1, () => call('harmless'));
    }
    expect([circuit.state, ...circuit.tools]).toEqual(['closed', ['poison', 'open']]);
  });

  test('does not hide that the whole server is silent', async () => {
    const { circuit, server, call } = arrange();
    server.answer = throwing(() => failure('TIMEOUT'));
    for (const tool of ['a', 'b', 'a', 'b', 'a']) await times(1, () => call(tool));
    expect(circuit.state).toBe('open');
  });
});

describe('open', () => {
  test('H03 refuses a thousand calls at once, with a hint when to come back, and none reaches the server', async () => {
    const { clock, server, call } = arrange();
    server.answer = throwing(() => failure('DOWNSTREAM_FAILED'));
    await times(5, call);
    await clock.pass(10_000);
    const reached = server.reached;
    const from = performance.now();
    const codes = new Set<unknown>();
    for (let i = 0; i < 1000; i++)
      await call().catch((error: unknown) =>
        codes.add(`${(error as ProxyError).code} ${(error as ProxyError).retryAfterMs}`),
      );
    expect((performance.now() - from) / 1000).toBeLessThan(5);
    expect(codes).toEqual(new Set(['CIRCUIT_OPEN 20000']));
    expect(server.reached).toBe(reached);
  });

  test('is half-open after its rest, even if the timer is late', async () => {
    const { clock, circuit, server, call } = arrange();
    server.answer = throwing(() => failure('DOWNSTREAM_FAILED'));
    await times(5, call);
    clock.jump(30_000);
    server.answer = () => answer();
    expect(await codeOf(call())).toBe('answered');
    expect(circuit.state).toBe('half-open');
  });

  test('H12 rests for 30 s whatever the time of day does', async () => {
    const { clock, circuit, server, call } = arrange();
    server.answer = throwing(() => failure('DOWNSTREAM_FAILED'));
    const today = Date.now;
    try {
      Date.now = () => today() + 3_600_000;
      await times(5, call);
      Date.now = () => today() - 3_600_000;
      await clock.pass(29_999);
      expect(circuit.state).toBe('open');
      await clock.pass(1);
      expect(circuit.state).toBe('half-open');
    } finally {
      Date.now = today;
    }
  });

  test('does not count the success of a call that began before', async () => {
    const { circuit, wrapped, stage } = onStage();
    const early = wrapped(callOf('early'));
    await fail(5, wrapped, stage);
    stage.calls[0]?.resolve();
    await early;
    expect(circuit.state).toBe('open');
  });

  test('is half-open at once after a clean handshake of a new generation', async () => {
    const { circuit, server, call } = arrange();
    server.answer = throwing(() => failure('DOWNSTREAM_FAILED'));
    await times(5, call);
    circuit.newGeneration();
    expect(circuit.state).toBe('half-open');
    expect([...circuit.tools.values()]).toEqual(['half-open']);
  });
});

describe('half-open', () => {
  test('H04 lets at most three of twenty concurrent calls through', async () => {
    const { clock, circuit, wrapped, stage } = onStage();
    await fail(5, wrapped, stage);
    await clock.pass(30_000);
    expect(circuit.state).toBe('half-open');
    const before = stage.calls.length;
    const calls = Array.from({ length: 20 }, () => codeOf(wrapped(callOf())));
    await settle();
    expect(stage.calls.length - before).toBe(3);
    for (const { resolve } of stage.calls) resolve();
    expect((await Promise.all(calls)).filter((code) => code === 'CIRCUIT_OPEN')).toHaveLength(17);
  });

  test.each([
    ['one success', ['ok'], 'half-open'],
    ['two successes', ['ok', 'ok'], 'closed'],
    ['a success, then a failure', ['ok', 'fail'], 'open'],
    ['a failure', ['fail'], 'open'],
  ])('H05 after %s it is as it must be', async (_, outcomes, state) => {
    const { clock, circuit, server, call } = arrange();
    server.answer = throwing(() => failure('DOWNSTREAM_FAILED'));
    await times(5, call);
    await clock.pass(30_000);
    for (const outcome of outcomes) {
      server.answer = outcome === 'ok' ? () => answer() : throwing(() => failure('DOWNSTREAM_FAILED'));
      await times(1, call);
    }
    expect(circuit.state).toBe(state);
    if (state !== 'open') return;
    await clock.pass(29_999);
    expect(circuit.state).toBe('open');
    await clock.pass(1);
    expect(circuit.state).toBe('half-open');
  });

  test('H06 gives back the slots of probes that never answer', async () => {
    const { clock, circuit, wrapped, stage } = onStage();
    await fail(5, wrapped, stage);
    await clock.pass(30_000);
    for (let i = 0; i < 3; i++) void quiet(wrapped(callOf()));
    expect(await codeOf(wrapped(callOf()))).toBe('CIRCUIT_OPEN');
    await clock.pass(30_000);
    const probe = quiet(wrapped(callOf()));
    await settle();
    stage.last.resolve();
    await probe;
    expect(circuit.state).toBe('half-open');
  });

  test('gives back the slot of a probe that its client cancels', async () => {
    const { clock, circuit, wrapped, stage } = onStage();
    await fail(5, wrapped, stage);
    await clock.pass(30_000);
    for (let i = 0; i < 12; i++) {
      const call = callOf();
      const probe = codeOf(wrapped(call));
      call.signal.cancel('changed my mind');
      expect(await probe).toBe('CANCELLED');
    }
    expect(circuit.state).toBe('half-open');
  });

  test('ignores late failures of a generation that is gone', async () => {
    const { circuit, wrapped, stage } = onStage();
    const late = quiet(wrapped(callOf()));
    await fail(5, wrapped, stage);
    circuit.newGeneration();
    stage.calls[0]?.reject(failure('DOWNSTREAM_FAILED'));
    await late.catch(() => {});
    expect(circuit.state).toBe('half-open');
  });
});

describe('a call that waits for the start', () => {
  test('counts for the generation that it waited for', async () => {
    const { circuit, server, call } = arrange();
    for (let i = 0; i < 5; i++) {
      server.connected = false;
      server.answer = () => {
        circuit.newGeneration();
        throw failure('DOWNSTREAM_FAILED');
      };
      await times(1, call);
    }
    expect(circuit.state).toBe('open');
  });
});

function onStage(): { clock: HandClock; circuit: Circuit; wrapped: Handler; stage: Stage } {
  const clock = new HandClock();
  const stage = new Stage();
  const circuit = new Circuit({
    server: 'tavern',
    settings: SETTINGS,
    settingsOf: () => SETTINGS,
    connected: () => true,
    clock,
    changed: () => {},
  });
  return { clock, circuit, wrapped: circuitBreaker(circuit)(stage.handle), stage };
}

async function fail(count: number, wrapped: Handler, stage: Stage): Promise<void> {
  for (let i = 0; i < count; i++) {
    const call = quiet(wrapped(callOf(`tool ${i}`)));
    stage.last.reject(failure('DOWNSTREAM_FAILED'));
    await call.catch(() => {});
  }
}
