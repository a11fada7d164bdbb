/** What files may hold about retries, circuits, caches, pools and composed tools. */
import {
  choice,
  count,
  duration,
  field,
  flag,
  listOf,
  nonEmptyText,
  section,
  text,
  texts,
} from './fields.ts';

export const retrySchema = section({
  attempts: count(1, 100).optional(),
  delayMs: duration(0).optional(),
  maxDelayMs: duration(0).optional(),
});

export const circuitBreakerSchema = section({
  failureThreshold: count(1).optional(),
  recoveryTimeoutMs: duration().optional(),
  halfOpenMaxCalls: count(1).optional(),
  successThreshold: count(1).optional(),
});

export const cacheSchema = section({
  mode: choice(['off', 'named', 'auto']).optional(),
  tools: texts().optional(),
  ttlMs: duration(0).optional(),
  staleIfErrorMs: duration(0).optional(),
  scope: choice(['client', 'shared']).optional(),
  invalidatedBy: texts().optional(),
});

export const retryBudget = section({
  ratio: field(
    'a share from 0 to 1, as 0.2',
    (value) => {
      const number = typeof value === 'string' && /^\d*\.?\d+$/.test(value) ? Number(value) : value;
      return typeof number === 'number' && number >= 0 && number <= 1 ? number : undefined;
    },
    { look: { kind: 'share' } },
  ).optional(),
  min: count(0).optional(),
});

export const pool = section({
  members: listOf(nonEmptyText()),
  strategy: choice(['failover', 'round-robin', 'least-busy']).optional(),
  exposeMembers: flag().optional(),
});

/** A table of whatever, as a plain object. */
export const object = field(
  'a table',
  (value) => (value instanceof Map ? (plain(value) as Readonly<Record<string, unknown>>) : undefined),
  { look: { kind: 'object' } },
);

export const composedTool = section({
  description: text().optional(),
  inputSchema: object.optional(),
  strategy: choice(['first', 'merge']).optional(),
  deadlineMs: duration().optional(),
  targets: listOf(section({ tool: nonEmptyText(), arguments: object.optional() })),
});

function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain);
  if (!(value instanceof Map)) return value;
  return Object.fromEntries(
    [...(value as ReadonlyMap<string, unknown>)].map(([key, inner]) => [key, plain(inner)]),
  );
}
