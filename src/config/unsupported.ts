/**
 * Keys of the config contract that this version does not act upon yet: refused, never silently accepted.
 * To support one, take it out here and add its field in `schema.ts`.
 */
export const unsupportedKeys = {
  top: new Set(['pools', 'tools', 'retryBudget', 'workflows', 'imports', 'check']),
  server: new Set([
    'start',
    'idleStopMs',
    'replicas',
    'trustAnnotations',
    'outage',
    'maxConcurrency',
    'maxQueue',
    'retry',
    'circuitBreaker',
    'cache',
    'health',
  ]),
  tools: new Set(['safeToRepeat']),
  override: new Set(['timeoutMs', 'circuitBreaker', 'idempotencyKey']),
} as const satisfies Record<string, ReadonlySet<string>>;
