/**
 * The end of the process after an error of our own that nothing has caught.
 *
 * The state that such an error leaves is unknown: a reader that was left in the middle of one client's text may take
 * part of it for the next one's. Requests under way are answered with an error.
 */
import type { Log } from '../../telemetry/log.ts';

/** The exit code of a command that did not work. */
export const EXIT_AFTER_INTERNAL_ERROR = 1;
/** The process ends after this time, however the orderly end goes. */
const LATEST_END_MS = 5000;

export function endAfterInternalErrors(log: Log, stop: (why: string) => void): void {
  let isEnding = false;
  const end = (error: unknown, what: string): void => {
    log.error({ err: error }, what);
    if (isEnding) return;
    isEnding = true;
    stop(what);
    setTimeout(() => process.exit(EXIT_AFTER_INTERNAL_ERROR), LATEST_END_MS);
  };
  process.on('unhandledRejection', (error) => end(error, 'unhandled rejection'));
  process.on('uncaughtException', (error) => end(error, 'uncaught exception'));
}
