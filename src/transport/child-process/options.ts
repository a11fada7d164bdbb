/** The options of a child process. */
import type { Cancellation } from '../../core/cancellation.ts';
import type { Clock } from '../../core/clock.ts';
import type { LinkLimits } from '../link.ts';

export interface ChildProcessOptions {
  /** The server's name, for messages. */
  readonly describe: string;
  readonly command: string;
  readonly args: readonly string[];
  /** The whole environment of the child; nothing is added. */
  readonly env: Readonly<Record<string, string>>;
  readonly cwd?: string | undefined;
  /** The wait after the end of its input, and once more after SIGTERM. */
  readonly stopGraceMs: number;
  readonly limits: ChildProcessLimits;
  /** Values that must not be shown, as those of `env` that the config gives. */
  readonly secrets?: readonly string[] | undefined;
  /** Gets stderr line by line, without secrets, as many a second as the limit allows; `leftOut` counts those lost before this one. */
  readonly onStderr?: ((line: string, leftOut: number) => void) | undefined;
  /** @param fetches whether the process may be fetching a package until its first answer. */
  readonly onStart?: ((pid: number, fetches: boolean) => void) | undefined;
  /** A package runner has started what it fetched. */
  readonly onFetched?: ((pid: number) => void) | undefined;
  /** A package runner is being ended; the promise resolves when it has cleaned up, or was left alone. */
  readonly onCleanUp?: ((done: Promise<void>) => void) | undefined;
  /** Cancelled when nobody can wait for a package runner any longer: it is left to finish by itself. */
  readonly leaving?: Cancellation | undefined;
  /** The process and its whole group are gone. Not called where they could not be ended. */
  readonly onEnd?: ((pid: number) => void) | undefined;
  readonly clock?: Clock | undefined;
}

export interface ChildProcessLimits extends LinkLimits {
  /** Bytes that are kept of the end of stderr. */
  readonly stderrBytes: number;
  /** Lines of stderr that are handed on. */
  readonly stderrLinesPerSecond: number;
}
