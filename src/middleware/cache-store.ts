/**
 * Results that may be given again, bounded in bytes.
 *
 * Dropping a server's results starts a new epoch: results of calls before the drop can no longer be found,
 * not even if they arrive later.
 */
import { LRUCache } from 'lru-cache';
import type { Clock } from '../core/clock.ts';
import type { Json } from '../json/json.ts';

export interface CachedResult {
  readonly result: Json;
  readonly at: number;
  readonly ttlMs: number;
}

export interface CacheStoreOptions {
  readonly maxBytes: number;
  readonly clock: Clock;
}

export class CacheStore {
  readonly #entries: LRUCache<string, CachedResult>;
  readonly #epochs = new Map<string, number>();

  constructor({ maxBytes, clock }: CacheStoreOptions) {
    this.#entries = new LRUCache<string, CachedResult>({
      maxSize: maxBytes,
      // One huge result must not push out all others.
      maxEntrySize: Math.ceil(maxBytes / 8),
      perf: { now: () => clock.now() },
      ttlResolution: 0,
    });
  }

  get bytes(): number {
    return this.#entries.calculatedSize;
  }

  get size(): number {
    return this.#entries.size;
  }

  epoch(server: string): number {
    return this.#epochs.get(server) ?? 0;
  }

  drop(server: string): void {
    this.#epochs.set(server, this.epoch(server) + 1);
  }

  get(key: string): CachedResult | undefined {
    return this.#entries.get(key);
  }

  /** @param keepMs how long it is of any use, stale or not. */
  set(key: string, stored: CachedResult, keepMs: number): void {
    const size = 2 * (key.length + stored.result.length) + ENTRY_BYTES;
    this.#entries.set(key, stored, { ttl: Math.max(1, keepMs), size });
  }
}

/** The approximate size of an entry beside its texts. */
const ENTRY_BYTES = 200;
