/** What the middleware adds to a call, with nothing behind it; and how fast an open circuit refuses. */
import { Answer } from '../../src/core/answer.ts';
import { Cancellation } from '../../src/core/cancellation.ts';
import type { Call, Client, Middleware } from '../../src/core/call.ts';
import { systemClock as clock } from '../../src/core/clock.ts';
import { ProxyError } from '../../src/core/errors.ts';
import { Json } from '../../src/json/json.ts';
import { cache } from '../../src/middleware/cache.ts';
import { Circuit, circuitBreaker } from '../../src/middleware/circuit-breaker.ts';
import { compose } from '../../src/pipeline/compose.ts';
import { concurrency, ConcurrencyLimit } from '../../src/middleware/concurrency.ts';
import { deadline } from '../../src/middleware/deadline.ts';
import { idempotencyKey } from '../../src/middleware/idempotency.ts';
import { CallStats, observe } from '../../src/middleware/observe.ts';
import { CacheStore } from '../../src/middleware/cache-store.ts';
import { retry } from '../../src/middleware/retry.ts';
import { RetryBudget } from '../../src/middleware/retry-budget.ts';
import { timeout } from '../../src/middleware/timeout.ts';
import { type Effort, type Section, show } from '../figures.ts';
import { median } from '../statistics.ts';

const server = 's';
const DEADLINE = { maxMs: 3_600_000, server };
const SETTINGS = {
  failureThreshold: 5,
  recoveryTimeoutMs: 30_000,
  halfOpenMaxCalls: 3,
  successThreshold: 2,
};

export async function measureChain(effort: Effort): Promise<Section> {
  const circuit = circuitOf();
  const parts: Readonly<Record<string, Middleware>> = {
    cache: cache({
      planOf: () => undefined,
      invalidates: () => undefined,
      store: new CacheStore({ maxBytes: 1_000_000, clock }),
      clock,
    }),
    deadline: deadline({ deadlineOf: () => DEADLINE, clock }),
    'idempotency key': idempotencyKey(),
    retry: retry({
      policyOf: () => ({ attempts: 3, delayMs: 200, maxDelayMs: 5_000 }),
      isSafe: () => false,
      budget: new RetryBudget({ ratio: 0.2, min: 3 }),
      clock,
      random: Math.random,
    }),
    observe: observe({ server, stats: new CallStats(), clock, log: SILENT }),
    'circuit breaker': circuitBreaker(circuit),
    concurrency: concurrency(new ConcurrencyLimit({ server, maxConcurrency: 16, maxQueue: 256 })),
    timeout: timeout({ server, idleMsOf: () => 300_000, clock }),
  };
  const bare = await micros([], effort);
  const rows: [string, string][] = [];
  for (const [name, one] of Object.entries(parts))
    rows.push([name, show((await micros([one], effort)) - bare)]);
  const whole = (await micros(Object.values(parts), effort)) - bare;
  const refusal = await refusalMicros(effort);
  return {
    table: {
      title: 'Middleware: CPU it adds to a call, and the time to refuse on an open circuit',
      columns: ['part', 'µs'],
      rows: [...rows, ['the whole chain', show(whole)], ['a refusal', show(refusal)]],
    },
    figures: { 'middleware chain': whole, 'circuit open refusal': refusal },
  };
}

async function micros(middleware: readonly Middleware[], { repetitions, loadMs }: Effort): Promise<number> {
  const handle = compose(middleware, () => Answer.of(RESULT));
  const measured: number[] = [];
  await spin(() => handle(CALL).then(), loadMs / 2);
  for (let i = 0; i < repetitions; i++) {
    const before = process.cpuUsage();
    const count = await spin(() => handle(CALL).then(), loadMs / 2);
    const { user, system } = process.cpuUsage(before);
    measured.push((user + system) / count);
  }
  return median(measured);
}

async function refusalMicros({ repetitions, loadMs }: Effort): Promise<number> {
  const handle = circuitBreaker(circuitOf())(() =>
    Answer.failed(new ProxyError('DOWNSTREAM_FAILED', { message: 'down', server, delivered: 'unknown' })),
  );
  const refused = (): Promise<unknown> => handle(CALL).then(undefined, () => undefined);
  for (let i = 0; i < SETTINGS.failureThreshold; i++) await refused();
  const measured: number[] = [];
  for (let i = 0; i < repetitions; i++) {
    const from = performance.now();
    const count = await spin(refused, loadMs / 2);
    measured.push(((performance.now() - from) * 1000) / count);
  }
  return median(measured);
}

/** @returns how many calls were made. */
async function spin(act: () => Promise<unknown>, ms: number): Promise<number> {
  const end = performance.now() + ms;
  let count = 0;
  while (performance.now() < end) {
    for (let i = 0; i < 1000; i++) await act();
    count += 1000;
  }
  return count;
}

function circuitOf(): Circuit {
  return new Circuit({
    server,
    settings: SETTINGS,
    settingsOf: () => SETTINGS,
    connected: () => true,
    clock,
    changed: () => {},
  });
}

const SILENT = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

const RESULT = Json.of({ content: [] });

const CLIENT: Client = {
  id: 'bench',
  view: 'bench',
  era: 'legacy',
  protocolVersion: '2025-11-25',
  info: undefined,
  capabilities: {},
  logLevel: undefined,
};

const CALL: Call = {
  method: 'tools/call',
  name: 'echo',
  params: Json.fromText('{"name":"echo","arguments":{"query":"tea"},"_meta":{"progressToken":1}}'),
  client: CLIENT,
  signal: new Cancellation(),
};
