/** The proxy's log: JSON lines on stderr, without secrets. stdout belongs to MCP. */
import type { Writable } from 'node:stream';
import { messageOf } from '../core/errors.ts';
import type { Logger } from '../core/logger.ts';
import { redactor } from '../core/redaction/redact.ts';
import type { RecentLog } from './recent-log.ts';

export interface LogOptions {
  readonly level: string;
  /** Values that must not appear anywhere. */
  readonly secrets: readonly string[];
  /** Gets every line too, and what servers say on stderr whatever the level. */
  readonly recent?: RecentLog;
}

export interface Log extends Logger {
  /** Further values that must not appear. */
  hide(secrets: readonly string[]): void;
  setLevel(level: string): void;
  /** Waits until all is written, but not for long; to be called before the process ends. */
  flush(): Promise<void>;
}

/** Bytes that wait for a stderr that nobody reads; more is dropped. */
const MAX_WAITING = 1024 * 1024;
/** A reader that is only slow gets the rest in this time. */
const FLUSH_MS = 250;

export function createLog({ level, secrets, recent }: LogOptions): Log {
  const hidden = new Set(secrets);
  let clean = redactor(secrets);
  let least = RANKS.get(level) ?? LOUDEST;
  // A write must not block, nor keep us from ending, where a client does not read our stderr.
  const { stderr } = process;
  stderr.on('error', () => {
    // It is closed: there is nowhere to say so.
  });
  const at =
    (name: string, rank: number) =>
    (facts: object, message: string): void => {
      if (rank < least) return;
      const cleaned = clean(lineOf(name, facts, message));
      recent?.add(cleaned);
      if (stderr.writableLength <= MAX_WAITING) stderr.write(`${cleaned}\n`);
    };
  const [debug, info, warn, error] = LEVELS.map(at) as [At, At, At, At];
  return {
    debug,
    info,
    warn,
    error,
    hide: (more) => {
      for (const secret of more) hidden.add(secret);
      clean = redactor([...hidden]);
    },
    setLevel: (wanted) => {
      least = RANKS.get(wanted) ?? LOUDEST;
    },
    flush: () => written(stderr),
    stderrOf(server, line, leftOut) {
      const facts = { server, line, ...(leftOut > 0 && { leftOut }) };
      if (least === 0) debug(facts, 'stderr');
      else recent?.add(clean(lineOf('debug', facts, 'stderr')));
    },
  };
}

type At = (facts: object, message: string) => void;

const LEVELS = ['debug', 'info', 'warn', 'error'] as const;
const RANKS: ReadonlyMap<string, number> = new Map([
  ['trace', 0],
  ...LEVELS.map((name, rank) => [name, rank] as const),
]);
/** Above all levels: nothing is logged. */
const LOUDEST = LEVELS.length;

function lineOf(level: string, facts: object, msg: string): string {
  const time = new Date().toISOString();
  try {
    return JSON.stringify({ level, time, ...facts, msg }, errorsAsObjects);
  } catch (error) {
    return JSON.stringify({ level, time, msg, unwritable: messageOf(error) });
  }
}

/** An error has nothing that JSON would show. */
function errorsAsObjects(_key: string, value: unknown): unknown {
  if (!(value instanceof Error)) return value;
  const { name, message, stack, cause } = value;
  return { type: name, message, stack, ...(cause !== undefined && { cause }) };
}

function written(stream: Writable): Promise<void> {
  if (stream.writableLength === 0 || !stream.writable) return Promise.resolve();
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, FLUSH_MS);
    stream.write('', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
