import { type Json, type JsonObject, sortedText } from '../json/json.ts';

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
  /** Of the output schemas that had to be tried; none where no look was taken. */
  readonly schemaVerdicts?: readonly SchemaVerdict[];
}

export interface SchemaVerdict {
  /** Of the schema's text. */
  readonly hash: string;
  /** Why clients cannot use it; empty where they can, `undefined` where that is not known yet. */
  readonly fault?: string;
}

/** A listing as it can be offered at once, and as it will be when what is in doubt is settled. */
export interface CheckedListing {
  readonly now: Listing;
  readonly later: Promise<Listing> | undefined;
}

export type ListKind = 'tools' | 'prompts' | 'resources' | 'resourceTemplates';

export const LIST_KINDS: readonly ListKind[] = ['tools', 'prompts', 'resources', 'resourceTemplates'];

/** What is remembered of one server from earlier runs, by what it was told that its client can do. */
export interface ListingMemory {
  /** Whether there is anything, for whatever capabilities. */
  readonly any: boolean;
  recall(capabilities: JsonObject): Listing | undefined;
  /** What was told last, to a client with whatever capabilities. */
  latest(): Listing | undefined;
  /** It was waited for in vain, and has never told anything since. */
  readonly hung: boolean;
  /** It was waited for in vain. Returns at once. @param mayBeFetching once is no sign then that it hangs. */
  hangs(mayBeFetching: boolean): void;
  /** Returns at once. */
  keep(capabilities: JsonObject, listing: Listing): void;
}

/** Whether two listings say the same, to the letter. */
export function sameListing(one: Listing, other: Listing): boolean {
  for (const kind of LIST_KINDS) {
    const [a, b] = [one[kind], other[kind]];
    if (a.length !== b.length || a.some((item, i) => item.text !== b[i]?.text)) return false;
  }
  return restOf(one) === restOf(other);
}

function restOf(listing: Listing): string {
  return sortedText({ ...listing, tools: 0, prompts: 0, resources: 0, resourceTemplates: 0 });
}
