/**
 * Finds out which of a server's output schemas the usual clients cannot compile: one such schema, and a client of the
 * TypeScript SDK rejects the whole list, with all tools of all servers.
 *
 * Most need no more than a look. The others are compiled in a thread of its own, which is there only while it is
 * needed: neither a schema nor its patterns are ever run in ours, and one that takes too long costs itself.
 */
import type { Worker } from 'node:worker_threads';
import { messageOf } from '../../core/errors.ts';
import { at, isObject, type Json } from '../../json/json.ts';
import { memberText } from '../../json/edit.ts';
import type { CheckedListing, Listing, SchemaVerdict } from '../../core/listing.ts';
import type { Logger } from '../../core/logger.ts';
import { isPlainSchema } from './plain-schema.ts';
import { schemaHash } from './schema-hash.ts';

/** A client would stand still for as long. */
const MAX_COMPILE_MS = 10_000;
/** All that one server lists; what is left then is not tried. */
const MAX_LISTING_MS = 20_000;
/** On a busy machine a thread takes its time to start. */
const MAX_START_MS = 20_000;
const IDLE_MS = 1000;
const MAX_REMEMBERED = 10_000;
const MAX_FAULT_CHARACTERS = 200;
/** Not for ever: it is tried again with the next listing. */
const UNCHECKED = 'it could not be checked';

export interface SchemaChecker {
  /**
   * The listing with what there is to say of its output schemas: nobody waits for those that have to be tried.
   *
   * @param before whose verdicts still hold.
   */
  checked(listing: Listing, before: Listing | undefined): Promise<CheckedListing>;
  /** Schemas that are being compiled stay in doubt. */
  close(): void;
}

export interface SchemaCheckerOptions {
  readonly startWorker: () => Worker;
  readonly log: Logger;
  readonly maxCompileMs?: number;
  readonly maxListingMs?: number;
}

export function createSchemaChecker(options: SchemaCheckerOptions): SchemaChecker {
  const { log, maxCompileMs = MAX_COMPILE_MS, maxListingMs = MAX_LISTING_MS } = options;
  const verdicts = new Map<string, string>();
  let thread: Promise<Thread> | undefined;
  let idle: NodeJS.Timeout | undefined;
  /** One schema at a time, so that it is known which takes too long. */
  let turn: Promise<unknown> = Promise.resolve();
  let closed = false;
  /** No thread starts. */
  let broken = false;

  return {
    async checked(listing, before) {
      for (const { hash, fault } of before?.schemaVerdicts ?? [])
        if (fault !== undefined && fault !== UNCHECKED && fault !== TOO_SLOW) note(hash, fault);
      const schemas = new Map(listing.tools.flatMap(doubtfulSchema).map((text) => [schemaHash(text), text]));
      const known = [...schemas.keys()].map((hash) => verdict(hash, verdicts.get(hash)));
      const now = known.length > 0 ? { ...listing, schemaVerdicts: known } : listing;
      return { now, later: known.every(isSettled) ? undefined : settled(now, schemas) };
    },
    close() {
      closed = true;
      clearTimeout(idle);
      endThread();
    },
  };

  async function settled(listing: Listing, schemas: ReadonlyMap<string, string>): Promise<Listing> {
    const time = { leftMs: maxListingMs };
    const schemaVerdicts: SchemaVerdict[] = [];
    for (const [hash, text] of schemas)
      schemaVerdicts.push(verdict(hash, verdicts.get(hash) ?? (await inTurn(hash, text, time))));
    return { ...listing, schemaVerdicts };
  }

  function inTurn(hash: string, text: string, time: { leftMs: number }): Promise<string | undefined> {
    const fault = turn.then(async () => {
      if (time.leftMs <= 0) return UNCHECKED;
      const from = performance.now();
      const found = verdicts.get(hash) ?? (await compiled(hash, text));
      time.leftMs -= performance.now() - from;
      return found;
    });
    turn = fault;
    return fault;
  }

  async function compiled(hash: string, text: string): Promise<string | undefined> {
    clearTimeout(idle);
    const fault = broken ? UNCHECKED : closed ? undefined : await tried(text);
    // The end of all may be what ended the thread.
    if (closed) return undefined;
    if (fault === undefined || fault === UNCHECKED) return fault;
    note(hash, fault);
    idle = setTimeout(endThread, IDLE_MS).unref();
    return fault;
  }

  function endThread(): void {
    void thread?.then(
      (its) => its.end(),
      () => {},
    );
    thread = undefined;
  }

  async function tried(text: string): Promise<string> {
    try {
      const fault = await (await (thread ??= startThread(options.startWorker))).ask(text, maxCompileMs);
      if (fault === TOO_DEAR || fault === TOO_SLOW) thread = undefined;
      return fault;
    } catch (error) {
      log.warn({ why: messageOf(error) }, 'output schemas cannot be checked: those in doubt are left out');
      broken = true;
      thread = undefined;
      return UNCHECKED;
    }
  }

  function note(hash: string, fault: string): void {
    const [oldest] = verdicts.keys();
    if (verdicts.size >= MAX_REMEMBERED && oldest !== undefined) verdicts.delete(oldest);
    verdicts.set(hash, fault.slice(0, MAX_FAULT_CHARACTERS));
  }
}

function verdict(hash: string, fault: string | undefined): SchemaVerdict {
  return { hash, ...(fault !== undefined && { fault }) };
}

function isSettled({ fault }: SchemaVerdict): boolean {
  return fault !== undefined;
}

function doubtfulSchema({ text, value }: Json): readonly string[] {
  const schema = at(value, 'outputSchema');
  const schemaText =
    isObject(schema) && !isPlainSchema(schema) ? memberText(text, 'outputSchema') : undefined;
  return schemaText === undefined ? [] : [schemaText];
}

/** Said of a schema that a busy machine may have kept from its turn: the next run tries it again. */
const TOO_SLOW = 'it takes too long to compile';
const TOO_DEAR = 'it takes too much memory to compile';

interface Thread {
  /** @returns why it is of no use to a client; empty where it is. */
  ask(text: string, withinMs: number): Promise<string>;
  end(): void;
}

/** @throws Error where it does not start. */
async function startThread(start: () => Worker): Promise<Thread> {
  const worker = start();
  worker.unref();
  let answered: (fault: string) => void = () => {};
  let failed: (error: Error) => void = () => {};
  let ready = false;
  worker.on('message', (said: string) => answered(said));
  worker.on('error', (error) => (ready ? answered(TOO_DEAR) : failed(error)));
  worker.on('exit', () => (ready ? answered(TOO_DEAR) : failed(new Error('its thread ended'))));
  await new Promise<void>((resolve, reject) => {
    const late = setTimeout(() => failed(new Error('its thread does not start')), MAX_START_MS).unref();
    answered = () => {
      clearTimeout(late);
      ready = true;
      resolve();
    };
    failed = (error) => {
      clearTimeout(late);
      void worker.terminate();
      reject(error);
    };
  });
  return {
    ask: (text, withinMs) =>
      new Promise((resolve) => {
        const late = setTimeout(() => {
          void worker.terminate();
          resolve(TOO_SLOW);
        }, withinMs).unref();
        answered = (fault) => {
          clearTimeout(late);
          answered = () => {};
          resolve(fault);
        };
        worker.postMessage(text);
      }),
    end: () => void worker.terminate(),
  };
}
