/** The proxy's log: JSON lines on stderr, without secrets. stdout belongs to MCP. */
import type { Writable } from 'node:stream';
import pino from 'pino';
import type { Logger } from '../core/logger.ts';
import { redactor } from '../core/redact.ts';
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

/** What waits for a stderr that nobody reads; more is dropped. */
const MAX_WAITING = 1024 * 1024;
/** A reader that is only slow gets the rest in this time. */
const FLUSH_MS = 250;

export function createLog({ level, secrets, recent }: LogOptions): Log {
  const hidden = new Set(secrets);
  let clean = redactor(secrets);
  // pino's own destination would block in a write, or never end, where a client does not read our stderr.
  const { stderr } = process;
  stderr.on('error', () => {
    // It is closed: there is nowhere to say so.
  });
  const logger = pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    {
      write(line) {
        const cleaned = clean(line.trimEnd());
        recent?.add(cleaned);
        if (stderr.writableLength <= MAX_WAITING) stderr.write(`${cleaned}\n`);
      },
    },
  );
  return Object.assign(logger, {
    hide: (more: readonly string[]) => {
      for (const secret of more) hidden.add(secret);
      clean = redactor([...hidden]);
    },
    setLevel: (wanted: string) => {
      logger.level = wanted;
    },
    flush: () => written(stderr),
    stderrOf(server: string, line: string, leftOut: number) {
      const facts = { server, line, ...(leftOut > 0 && { leftOut }) };
      if (logger.isLevelEnabled('debug')) logger.debug(facts, 'stderr');
      else {
        const time = new Date().toISOString();
        recent?.add(clean(JSON.stringify({ level: 'debug', time, ...facts, msg: 'stderr' })));
      }
    },
  });
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
