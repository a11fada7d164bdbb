/**
 * The last good listing of every downstream server, kept in the state folder: at the next start the catalog is there
 * before any server is.
 *
 * A file is named by keyed hashes of how the server is reached and of what it was told that its client can do, since
 * servers list different tools by it; no secret is stored. A file that is damaged, foreign or of another version
 * does not count, and is written anew. Several proxies may share the folder: files are only ever replaced as a whole.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { mkdir, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '../core/errors.ts';
import { isObject, Json, type JsonObject, sortedText, stringAt } from '../json/json.ts';
import { LIST_KINDS, type Listing, type ListingMemory } from '../core/listing.ts';
import type { Logger } from '../core/logger.ts';

/** Raise it whenever the meaning of what is stored changes. */
const VERSION = 1;
/** Beyond so many files the oldest go. */
const MAX_FILES = 2000;
const OLDEST_PART_MS = 60 * 60_000;
const HUNG = '.hung';
/** It may have been fetching then. */
const ONCE = '.waited';

/** The way to a server, as `for` takes it. `who` is the one person whose connection it is; empty for all. */
export function snapshotAddress(transport: object, protocol: string, who: string): string {
  return JSON.stringify({ transport, protocol, ...(who !== '' && { who }) }, (_key, value: unknown) =>
    value instanceof Map ? [...value] : value,
  );
}

export interface SnapshotStore {
  /** One way to reach a server has one memory; its text may hold secrets. */
  for(address: string): ListingMemory;
  /** The listing that was told last, whatever the client could do. */
  latest(address: string): Listing | undefined;
  /** Files that do not count. */
  damaged(): readonly string[];
  /** Writes what is left to write. */
  close(): Promise<void>;
}

/** A folder that cannot be used is logged once; nothing is remembered then. */
export function openSnapshots(stateDir: string, key: Buffer, log: Logger): SnapshotStore {
  const folder = join(stateDir, 'snapshot');
  const files = filesIn(folder);
  const known = new Set(files.filter((name) => name.endsWith('.json')));
  /** Empty files, named by the server alone, of those that were waited for in vain. */
  const inVain = new Set(files.filter((name) => name.endsWith(HUNG) || name.endsWith(ONCE)));
  /** Texts to be written, by file; `undefined` deletes the file. */
  const waiting = new Map<string, string | undefined>();
  let writing: Promise<void> | undefined;
  let warned = false;
  let part = 0;

  return {
    for(address) {
      const server = hash(address);
      const nameFor = (capabilities: JsonObject): string =>
        `${server}-${hash(sortedText(capabilities)).slice(0, 12)}.json`;
      return {
        get any() {
          return [...known].some((name) => name.startsWith(`${server}-`));
        },
        recall(capabilities) {
          const name = nameFor(capabilities);
          if (!known.has(name)) return undefined;
          return read(name);
        },
        keep(capabilities, listing) {
          const name = nameFor(capabilities);
          const text = textOf(name, listing);
          for (const mark of [server + HUNG, server + ONCE]) if (inVain.delete(mark)) put(mark, undefined);
          if (known.has(name) && readText(name) === text) return;
          known.add(name);
          put(name, text);
        },
        latest: () => latest(server),
        get hung() {
          return inVain.has(server + HUNG);
        },
        hangs(mayBeFetching) {
          const mark = server + (mayBeFetching && !inVain.has(server + ONCE) ? ONCE : HUNG);
          if (inVain.has(mark)) return;
          inVain.add(mark);
          put(mark, '');
        },
      };
    },
    latest: (address) => latest(hash(address)),
    damaged: () => [...known].filter((name) => !read(name)).map((name) => join(folder, name)),
    async close() {
      await writing;
    },
  };

  function latest(server: string): Listing | undefined {
    const names = [...known].filter((name) => name.startsWith(`${server}-`));
    const newest = names.sort((a, b) => modified(join(folder, b)) - modified(join(folder, a)));
    for (const name of newest) {
      const listing = read(name);
      if (listing) return listing;
    }
    return undefined;
  }

  function put(name: string, text: string | undefined): void {
    waiting.set(name, text);
    writing ??= write();
  }

  function hash(text: string): string {
    return createHmac('sha256', key).update(text).digest('base64url').slice(0, 22);
  }

  /** One line that vouches for the other: who may write it has the key, and the name is part of it. */
  function textOf(name: string, listing: Listing): string {
    const body = JSON.stringify(listing, (_key, value: unknown) =>
      value instanceof Json ? value.text : value,
    );
    return `${JSON.stringify({ version: VERSION, mac: macOf(name, body) })}\n${body}\n`;
  }

  function macOf(name: string, body: string): string {
    return createHmac('sha256', key).update(`${VERSION}\n${name}\n`).update(body).digest('base64url');
  }

  function readText(name: string): string | undefined {
    try {
      return waiting.get(name) ?? readFileSync(join(folder, name), 'utf8');
    } catch {
      return undefined;
    }
  }

  function read(name: string): Listing | undefined {
    const [head = '', body = ''] = (readText(name) ?? '').split('\n');
    try {
      const mac = Buffer.from(stringAt(JSON.parse(head), 'mac') ?? '');
      const right = Buffer.from(macOf(name, body));
      if (mac.length !== right.length || !timingSafeEqual(mac, right)) return undefined;
      return listingOf(JSON.parse(body));
    } catch {
      // Damaged or foreign: as if it were not there.
      return undefined;
    }
  }

  async function write(): Promise<void> {
    // All listings of one moment in one go.
    await Promise.resolve();
    try {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      if (part === 0) await tidy(folder);
      for (const [name, text] of waiting) {
        const file = join(folder, name);
        if (text === undefined) {
          await rm(file, { force: true });
          if (waiting.get(name) === undefined) waiting.delete(name);
          continue;
        }
        const half = `${file}.${process.pid}.${part++}.part`;
        await writeFile(half, text, { mode: 0o600 });
        await rename(half, file);
        if (waiting.get(name) === text) waiting.delete(name);
      }
    } catch (error) {
      if (!warned) log.warn({ why: messageOf(error) }, 'the snapshot of the servers cannot be written');
      warned = true;
      waiting.clear();
    }
    writing = waiting.size > 0 ? write() : undefined;
    await writing;
  }
}

function modified(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

function filesIn(folder: string): readonly string[] {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** Takes away what a killed proxy left half written, and the oldest of too many. */
async function tidy(folder: string): Promise<void> {
  const names = await readdir(folder);
  const parts = names.filter((name) => name.endsWith('.part'));
  const surplus = names.length > MAX_FILES ? names : parts;
  const times = await Promise.all(
    surplus.map(async (name) => ({
      name,
      at: (await stat(join(folder, name)).catch(() => undefined))?.mtimeMs ?? 0,
    })),
  );
  times.sort((a, b) => a.at - b.at);
  const old = times.filter(
    ({ name, at }, i) =>
      (name.endsWith('.part') && at < Date.now() - OLDEST_PART_MS) ||
      (surplus === names && i < names.length - MAX_FILES),
  );
  await Promise.all(old.map(({ name }) => rm(join(folder, name), { force: true })));
}

function listingOf(stored: unknown): Listing | undefined {
  if (!isObject(stored)) return undefined;
  const lists = LIST_KINDS.map((kind) => {
    const items = stored[kind];
    return Array.isArray(items) ? items.map((text) => Json.fromText(String(text))) : [];
  });
  const [tools = [], prompts = [], resources = [], resourceTemplates = []] = lists;
  // The other members are as we wrote them: the MAC says so.
  return { ...(stored as object as Listing), tools, prompts, resources, resourceTemplates };
}
