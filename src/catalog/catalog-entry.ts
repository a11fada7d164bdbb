import type { Listing } from '../core/listing.ts';

/** One downstream server's part of the catalog. */
export interface CatalogEntry {
  /** The config key. */
  readonly server: string;
  /** The prefix of its exported names: no `__` in it, no `_` at its end (config sees to that). */
  readonly namespace: string;
  readonly listing: Listing;
  readonly tools: ToolRules;
  readonly maxTools: number;
  /** `false`: its word that a list is the same for everybody does not count. */
  readonly trusted?: boolean;
}

/** The operator's word on a server's tools; all keys and globs are the server's own names. */
export interface ToolRules {
  readonly include: readonly string[];
  readonly exclude: readonly string[];
  readonly rename: ReadonlyMap<string, string>;
  readonly override: ReadonlyMap<string, ToolOverride>;
}

export interface ToolOverride {
  readonly description?: string;
  readonly title?: string;
  /** Laid over the tool's own, key by key. */
  readonly annotations?: object;
}

export interface CatalogOptions {
  /** Do names carry their server's namespace? */
  readonly prefix: boolean;
  readonly maxNameLength: number;
  /** `expose.origin`: say in each tool's `_meta` whose it is. */
  readonly origin: boolean;
  /** The meta-tools' names, which no downstream may take. Names starting `workflow__` are always reserved. */
  readonly reserved: ReadonlySet<string>;
  /** The proxy offers tools of its own, so that the `tools` capability is there whatever the downstreams can. */
  readonly metaTools: boolean;
  /** All servers of the config, for the instructions to name; default: those that are listed. */
  readonly servers?: readonly string[];
}
