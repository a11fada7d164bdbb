/**
 * Keys of the config contract that this version does not act upon yet: refused, never silently accepted.
 * To support one, take it out here and add its field in `schema.ts`.
 */
export const unsupportedKeys = {
  top: new Set(),
  server: new Set(),
  tools: new Set(),
  override: new Set(),
} as const satisfies Record<string, ReadonlySet<string>>;
