import type { Json, JsonObject } from './json.ts';

/** What one downstream server told us about itself and offers, as it came. Unvetted. */
export interface Listing {
  readonly protocolVersion: string;
  readonly serverInfo: JsonObject | undefined;
  readonly capabilities: JsonObject;
  readonly instructions: string | undefined;
  readonly tools: readonly Json[];
  readonly prompts: readonly Json[];
  readonly resources: readonly Json[];
  readonly resourceTemplates: readonly Json[];
  /** The modern family's caching hints, the strictest of all pages; a legacy server counts as 0 and private. */
  readonly ttlMs: number;
  readonly cacheScope: 'public' | 'private';
  /** What was left out while listing (a page limit, a repeating cursor), for the log and `proxy_status`. */
  readonly problems: readonly string[];
}

export type ListKind = 'tools' | 'prompts' | 'resources' | 'resourceTemplates';
