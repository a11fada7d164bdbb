import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';

const made: string[] = [];

// The first hook that a file registers runs last: its proxies have stopped by then.
afterAll(() => {
  for (const folder of made.splice(0))
    rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
});

/** Makes an empty folder, which goes when the tests of the file are over. @returns its path. */
export function temporaryFolder(name: string, under: string = tmpdir()): string {
  const folder = mkdtempSync(join(under, `switchyard-${name}-`));
  made.push(folder);
  return folder;
}
