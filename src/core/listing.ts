import { type Json, type JsonObject, sortedText } from '../json/json.ts';

/** The self-description and the items of one downstream server, exactly as received and not vetted. */
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
  /** Gaps of the listing (a page limit, a repeating cursor), for the log and `proxy_status`. */
  readonly problems: readonly string[];
  /** The verdicts on output schemas that had to be tried; absent if none was tried. */
  readonly schemaVerdicts?: readonly SchemaVerdict[];
}

export interface SchemaVerdict {
  /** A hash of the schema's text. */
  readonly hash: string;
  /** The reason why clients cannot use the schema; empty if they can, `undefined` until that is known. */
  readonly fault?: string;
}

/** A listing for immediate use, and the final one once its doubtful schemas have been checked. */
export interface CheckedListing {
  readonly now: Listing;
  readonly later: Promise<Listing> | undefined;
}

export type ListKind = 'tools' | 'prompts' | 'resources' | 'resourceTemplates';

export const LIST_KINDS: readonly ListKind[] = ['tools', 'prompts', 'resources', 'resourceTemplates'];

/** The remembered listings of one server from earlier runs, by the client capabilities that the server was told. */
export interface ListingMemory {
  /** `true` if any listing is remembered, for whatever capabilities. */
  readonly any: boolean;
  recall(capabilities: JsonObject): Listing | undefined;
  /** The latest listing, for whatever capabilities. */
  latest(): Listing | undefined;
  /** The proxy waited for the server in vain, and has never had a listing since. */
  readonly hung: boolean;
  /** Records that the proxy waited in vain. Returns at once. @param mayBeFetching a single wait then proves nothing. */
  hangs(mayBeFetching: boolean): void;
  /** Returns at once. */
  keep(capabilities: JsonObject, listing: Listing): void;
}

/** @returns whether two listings are equal to the letter. */
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
