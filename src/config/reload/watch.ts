/**
 * Tells when files have been saved.
 *
 * Their folders are watched, not the files: editors write beside and rename, and then the old file is gone. Many
 * saves in a row are told as one, soon after the last, or after a second of saving without a pause.
 */
import { statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { Clock } from '../../core/clock.ts';

const QUIET_MS = 150;
const LONGEST_MS = 1000;

export interface WatchOptions {
  readonly clock: Clock;
  readonly changed: () => void;
  /** Watching is not possible, or no longer. */
  readonly failed: (error: unknown) => void;
}

export interface Watch {
  close(): Promise<void>;
}

/** `since` are the marks from when they were read: a save before the watch began counts as well. */
export async function watchFiles(since: ReadonlyMap<string, string>, options: WatchOptions): Promise<Watch> {
  const { clock, changed, failed } = options;
  // Loaded only now: the first answers must not wait for it.
  const { watch } = await import('chokidar');
  const files = new Set([...since.keys()].map((file) => resolve(file)));
  const folders = new Set([...files].map((file) => dirname(file)));
  let cancel: (() => void) | undefined;
  let firstAt: number | undefined;

  const watcher = watch([...folders], {
    depth: 0,
    ignoreInitial: true,
    // Such a folder may be somebody's home: nothing else in it is looked at.
    ignored: (path) => !files.has(path) && !folders.has(path),
  });
  watcher.on('all', (_event, path) => {
    if (files.has(resolve(path))) saved();
  });
  watcher.on('error', failed);
  await new Promise<void>((ready) => watcher.once('ready', () => ready()));
  for (const [file, mark] of since) if (fileStamp(file) !== mark) saved();

  function saved(): void {
    const now = clock.now();
    firstAt ??= now;
    cancel?.();
    const left = firstAt + LONGEST_MS - now;
    cancel = clock.after(Math.max(0, Math.min(QUIET_MS, left)), () => {
      firstAt = undefined;
      cancel = undefined;
      changed();
    });
  }

  return {
    async close() {
      cancel?.();
      await watcher.close();
    },
  };
}

/** A text that differs when the file has changed; the file is not read. */
export function fileStamp(file: string): string {
  const stat = statSync(file, { throwIfNoEntry: false });
  return stat ? `${stat.ino} ${stat.size} ${stat.mtimeMs}` : 'none';
}
