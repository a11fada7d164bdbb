/** The proxy's log: JSON lines on stderr, without secrets. stdout belongs to MCP. */
import pino from 'pino';
import type { Logger } from '../core/logger.ts';
import { redactor } from '../core/redact.ts';

export interface LogOptions {
  readonly level: string;
  /** Values that must not appear anywhere. */
  readonly secrets: readonly string[];
}

export interface Log extends Logger {
  /** Writes out what waits; to be called before the process ends. */
  flush(): void;
}

/** What waits for a stderr that nobody reads; more is dropped. */
const MAX_WAITING = 1024 * 1024;

export function createLog({ level, secrets }: LogOptions): Log {
  const clean = redactor(secrets);
  // Not synchronous: a client that does not read our stderr must not stop us.
  const stderr = pino.destination({ dest: 2, sync: false, maxLength: MAX_WAITING });
  const logger = pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      hooks: { streamWrite: (line) => `${clean(line.trimEnd())}\n` },
    },
    stderr,
  );
  return Object.assign(logger, {
    flush: () => {
      try {
        stderr.flushSync();
      } catch {
        // stderr is closed or was never opened: there is nowhere to say so.
      }
    },
  });
}
