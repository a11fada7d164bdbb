/** Keys that protect, spread and cache calls. */
import { choice, count, duration, flag, listOf, nonEmptyText, share, texts } from './fields.ts';
import { key, keyWithout, requiredKey, section } from './section.ts';

export const retryKeys = {
  attempts: key(count(1, 100), { doc: 'in all, the first included', byDefault: 3, example: 1 }),
  delayMs: key(duration(0), {
    doc: 'before the second attempt; grows up to `maxDelayMs`',
    byDefault: 200,
    example: '1s',
  }),
  maxDelayMs: key(duration(0), { doc: 'the longest pause', byDefault: 5_000, example: '30s' }),
};

export const retrySection = section(retryKeys);

export const circuitBreakerKeys = {
  failureThreshold: key(count(1), {
    doc: 'failures in a row that open the circuit',
    byDefault: 5,
    example: 10,
  }),
  recoveryTimeoutMs: key(duration(), {
    doc: 'how long an open circuit lets nothing through',
    byDefault: 30_000,
    example: '1m',
  }),
  halfOpenMaxCalls: key(count(1), {
    doc: 'calls at a time that try a server after its rest',
    byDefault: 3,
    example: 1,
  }),
  successThreshold: key(count(1), {
    doc: 'successes after its rest that close the circuit',
    byDefault: 2,
    example: 1,
  }),
};

const AS_THE_SERVER = 'is the one of the server\'s "circuitBreaker" now, and is ignored here. Set it there.';

/** The circuit of one tool, laid over the server's. */
export const toolCircuitBreaker = section(
  {
    failureThreshold: keyWithout(circuitBreakerKeys.failureThreshold, "the server's"),
    recoveryTimeoutMs: keyWithout(circuitBreakerKeys.recoveryTimeoutMs, "the server's"),
  },
  {
    former: new Map([
      ['halfOpenMaxCalls', { now: AS_THE_SERVER }],
      ['successThreshold', { now: AS_THE_SERVER }],
    ]),
  },
);

export const cacheKeys = {
  mode: key(choice(['off', 'named', 'auto']), {
    doc: '`named`: of the tools in `tools`; `auto`: also of the read-only ones of a server with `trustAnnotations`; `off`: of none',
    byDefault: 'named',
    example: 'auto',
  }),
  tools: key(texts(), {
    doc: 'whose answers are kept; `*` stands for any text',
    byDefault: [],
    example: ['search_*'],
  }),
  ttlMs: key(duration(0), { doc: 'how long', byDefault: 60_000, example: '10m' }),
  staleIfErrorMs: key(duration(0), {
    doc: 'how much longer, if the server fails',
    byDefault: 0,
    example: '1h',
  }),
  scope: key(choice(['client', 'shared']), {
    doc: 'for the same client only, or for all of them; `shared` is refused beside `connections: "per-client"`, and where clients turn out to need connections of their own it counts as `client`',
    byDefault: 'client',
    example: 'shared',
  }),
  invalidatedBy: key(texts(), {
    doc: 'tools whose success makes what is kept worthless; `*` stands for any text',
    byDefault: [],
    example: ['create_*'],
  }),
};

export const retryBudgetKeys = {
  ratio: key(share(), { doc: 'of the calls under way', byDefault: 0.2, example: 0.1 }),
  min: key(count(0), { doc: 'allowed in any case', byDefault: 3, example: 10 }),
};

export const poolKeys = {
  members: requiredKey(listOf(nonEmptyText()), {
    doc: 'names of servers, in order of priority',
    example: ['github-a', 'github-b'],
  }),
  strategy: key(choice(['failover', 'round-robin', 'least-busy']), {
    doc: '`failover`: the first that can be reached; `round-robin`: in turn; `least-busy`: the one with the fewest calls',
    byDefault: 'failover',
    example: 'least-busy',
  }),
  exposeMembers: key(flag(), { doc: 'whether the members are listed too', byDefault: false, example: true }),
};
