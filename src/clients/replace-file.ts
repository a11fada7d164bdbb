/** Replaces a user's file in one step, with a dated copy of what it was. */
import { randomBytes } from 'node:crypto';
import { copyFile, mkdir, open, readFile, realpath, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';

/** The text of a file; `undefined`: there is none. @throws Error where it is there and cannot be read. */
export async function readIfThere(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Follows links and keeps the rights; a new file is its owner's alone. */
export async function replaceFile(file: string, text: string): Promise<void> {
  const target = await realpath(file).catch(() => file);
  const mode = await stat(target).then(
    ({ mode: its }) => its & 0o777,
    () => 0o600,
  );
  await mkdir(dirname(target), { recursive: true });
  const fresh = `${target}.${randomBytes(6).toString('hex')}.new`;
  try {
    const handle = await open(fresh, 'wx', mode);
    try {
      await handle.chmod(mode);
      await handle.writeFile(text);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(fresh, target);
  } catch (error) {
    await rm(fresh, { force: true });
    throw error;
  }
}

/** @returns the path of the copy. */
export async function backUp(file: string, now: Date): Promise<string> {
  const stamp = now.toISOString().replaceAll(':', '-').replace(/\.\d+/, '');
  const copy = `${file}.before-switchyard-${stamp}`;
  await copyFile(file, copy);
  return copy;
}
