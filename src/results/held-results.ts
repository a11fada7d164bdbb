/**
 * Keeps long results whole, for those who were given a part of them and a handle.
 *
 * In memory first, then in private files; bounded in bytes and in time, the oldest go first. A handle is a secret that
 * works for one client only. Nothing here fails a call: what finds no room is not kept.
 */
import { createHash, randomBytes } from 'node:crypto';
import { chmod, mkdir, open, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Clock } from '../core/clock.ts';
import type { Position } from './json-borders.ts';
import { checkpointsOf } from './page.ts';

export interface HeldResultsOptions {
  /** For results that do not fit into memory; made when first needed. Without it nothing is written. */
  readonly folder: string | undefined;
  readonly memoryBytes: number;
  /** Memory and files together. */
  readonly totalBytes: number;
  readonly ttlMs: number;
  readonly clock: Clock;
}

export type TextKind = 'json' | 'text';

/** A result has several where it is text and more than text. */
export interface HeldPart {
  readonly kind: TextKind;
  /** What it is, for people. */
  readonly label: string;
  readonly size: number;
  /** Only of JSON: where scans may begin. */
  readonly checkpoints: readonly Position[];
}

export interface NewPart {
  readonly kind: TextKind;
  readonly label: string;
  readonly bytes: Buffer;
}

export type HeldLookup =
  | { readonly state: 'held'; readonly parts: readonly HeldPart[] }
  /** Kept once, and no longer. */
  | { readonly state: 'gone' }
  /** Never given out, or to somebody else. */
  | { readonly state: 'unknown' };

interface Held {
  readonly owner: string;
  readonly parts: readonly HeldPart[];
  readonly size: number;
  readonly until: number;
  /** One text after the other, while in memory. */
  bytes: Buffer | undefined;
  /** Set once it is written. */
  file: string | undefined;
}

const HANDLE_BYTES = 16;
/** So many handles are remembered to say that they are over. */
const MAX_GONE = 1000;
const SUFFIX = '.result';

export class HeldResults {
  readonly #options: HeldResultsOptions;
  /** In the order of their age. */
  readonly #held = new Map<string, Held>();
  readonly #gone = new Map<string, string>();
  #memory = 0;
  #total = 0;
  #folder: Promise<string | undefined> | undefined;
  #writing: Promise<void> = Promise.resolve();
  #cancelSweep: (() => void) | undefined;

  constructor(options: HeldResultsOptions) {
    this.#options = options;
  }

  get bytes(): { readonly memory: number; readonly total: number } {
    return { memory: this.#memory, total: this.#total };
  }

  /** @returns the handle; `undefined` where it is too large to be kept. */
  async keep(owner: string, parts: readonly NewPart[]): Promise<string | undefined> {
    const size = parts.reduce((sum, { bytes }) => sum + bytes.length, 0);
    if (size > this.#options.totalBytes) return undefined;
    const described: HeldPart[] = [];
    for (const { kind, label, bytes } of parts) {
      const checkpoints = kind === 'json' ? await checkpointsOf(bytes, nextTurn) : [];
      described.push({ kind, label, size: bytes.length, checkpoints });
    }
    const handle = randomBytes(HANDLE_BYTES).toString('base64url');
    const bytes = parts.length === 1 ? parts[0]?.bytes : Buffer.concat(parts.map((part) => part.bytes));
    const until = this.#options.clock.now() + this.#options.ttlMs;
    this.#held.set(handle, { owner, parts: described, size, until, bytes, file: undefined });
    this.#memory += size;
    this.#total += size;
    this.#sweep();
    for (const [oldest, held] of this.#held) {
      if (this.#total <= this.#options.totalBytes) break;
      this.#forget(oldest, held);
    }
    await this.#makeRoom();
    return this.#held.has(handle) ? handle : undefined;
  }

  find(owner: string, handle: string): HeldLookup {
    this.#sweep();
    const held = this.#held.get(handle);
    if (held?.owner === owner) return { state: 'held', parts: held.parts };
    return { state: this.#gone.get(handle) === owner ? 'gone' : 'unknown' };
  }

  /**
   * @param part the place in the parts that `find` gave.
   * @returns these bytes of it, fewer at its end; `undefined` where it is no longer there.
   */
  async read(
    owner: string,
    handle: string,
    part: number,
    span: { from: number; to: number },
  ): Promise<Buffer | undefined> {
    const held = this.#held.get(handle);
    const found = held?.parts[part];
    if (!held || !found || held.owner !== owner) return undefined;
    const before = held.parts.slice(0, part).reduce((sum, { size }) => sum + size, 0);
    const from = before + Math.min(Math.max(span.from, 0), found.size);
    const to = before + Math.min(Math.max(span.to, 0), found.size);
    if (to <= from) return Buffer.alloc(0);
    if (held.bytes) return held.bytes.subarray(from, to);
    return held.file === undefined ? undefined : readPiece(held.file, from, to - from);
  }

  /** Forgets all, and takes the files away. */
  async close(): Promise<void> {
    this.#cancelSweep?.();
    for (const [handle, held] of this.#held) this.#forget(handle, held);
    await this.#writing;
  }

  /** Moves the oldest to files until memory has room; what cannot be written is given up, the newest last. */
  async #makeRoom(): Promise<void> {
    this.#writing = this.#writing.then(async () => {
      for (const [handle, held] of this.#held) {
        if (this.#memory <= this.#options.memoryBytes) return;
        if (!held.bytes) continue;
        const file = await this.#write(handle, held.bytes);
        if (this.#held.get(handle) !== held) {
          if (file !== undefined) await rm(file, { force: true });
        } else if (file !== undefined) {
          held.file = file;
          held.bytes = undefined;
          this.#memory -= held.size;
        } else if (this.#isNewest(handle)) return;
        else this.#forget(handle, held);
      }
    });
    await this.#writing;
  }

  #isNewest(handle: string): boolean {
    return [...this.#held.keys()].at(-1) === handle;
  }

  /** @returns the file's path; `undefined` where it could not be written. */
  async #write(handle: string, bytes: Buffer): Promise<string | undefined> {
    this.#folder ??= this.#prepare();
    const folder = await this.#folder;
    if (folder === undefined) return undefined;
    // Who sees the folder must not learn a handle.
    const file = join(folder, createHash('sha256').update(handle).digest('hex').slice(0, 32) + SUFFIX);
    try {
      await writeFile(file, bytes, { mode: 0o600, flag: 'wx' });
      return file;
    } catch {
      await rm(file, { force: true }).catch(() => {});
      return undefined;
    }
  }

  /** The folder, without what an ended process has left behind. */
  async #prepare(): Promise<string | undefined> {
    const { folder, ttlMs } = this.#options;
    if (folder === undefined) return undefined;
    try {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      await chmod(folder, 0o700);
      for (const name of await readdir(folder)) {
        if (!name.endsWith(SUFFIX)) continue;
        const file = join(folder, name);
        const { mtimeMs } = await stat(file);
        if (Date.now() - mtimeMs > ttlMs) await rm(file, { force: true });
      }
      return folder;
    } catch {
      return undefined;
    }
  }

  #sweep(): void {
    const now = this.#options.clock.now();
    for (const [handle, held] of this.#held) {
      if (held.until > now) break;
      this.#forget(handle, held);
    }
    this.#cancelSweep?.();
    const [oldest] = this.#held.values();
    this.#cancelSweep = oldest && this.#options.clock.after(oldest.until - now, () => this.#sweep());
  }

  #forget(handle: string, held: Held): void {
    this.#held.delete(handle);
    this.#total -= held.size;
    if (held.bytes) this.#memory -= held.size;
    this.#gone.set(handle, held.owner);
    for (const [oldest] of this.#gone) {
      if (this.#gone.size <= MAX_GONE) break;
      this.#gone.delete(oldest);
    }
    const { file } = held;
    if (file !== undefined)
      this.#writing = this.#writing.then(() => rm(file, { force: true })).catch(() => {});
  }
}

async function readPiece(file: string, from: number, length: number): Promise<Buffer | undefined> {
  try {
    const handle = await open(file, 'r');
    try {
      const bytes = Buffer.alloc(length);
      const { bytesRead } = await handle.read(bytes, 0, length, from);
      return bytesRead === length ? bytes : undefined;
    } finally {
      await handle.close();
    }
  } catch {
    return undefined;
  }
}
