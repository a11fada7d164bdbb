/** Replaces a user's file in one step, with a dated copy of what it was. */
import { randomBytes } from 'node:crypto';
import { mkdir, open, readFile, readlink, realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';

/** No config of a person is larger. */
export const MAX_BYTES = 64 * 1024 * 1024;

/**
 * The text of a file; `undefined`: there is none.
 *
 * @throws Error where it is there and cannot be read, or where writing its text back would not give the same bytes.
 */
export async function readIfThere(file: string): Promise<string | undefined> {
  try {
    const { size } = await plainFile(file);
    if (size > MAX_BYTES) throw new Error(`it is larger than ${MAX_BYTES} bytes`);
    const bytes = await readFile(file);
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return undefined;
    if (code === 'ERR_ENCODING_INVALID_ENCODED_DATA') throw new Error('it is not written in UTF-8');
    throw error;
  }
}

/** Follows links and keeps the rights; a new file is its owner's alone. */
export async function replaceFile(file: string, text: string): Promise<void> {
  await replace(file, text, () => Promise.resolve());
}

/**
 * The same, where the file still holds what was read from it: its own program may have written it meanwhile.
 *
 * @throws Error where it does not, or where its owner may not write it; then it is untouched.
 */
export async function replaceUnchanged(
  file: string,
  before: string | undefined,
  text: string,
): Promise<void> {
  if (before !== undefined && ((await stat(file)).mode & 0o200) === 0) throw new Error('it is read-only');
  await replace(file, text, async () => {
    if ((await readIfThere(file)) !== before) throw new Error('it was changed meanwhile. Try again');
  });
}

async function replace(file: string, text: string, check: () => Promise<void>): Promise<void> {
  const target = await realpath(file).catch(() => linkedPlace(file));
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
    await check();
    await rename(fresh, target);
  } catch (error) {
    await rm(fresh, { force: true });
    throw error;
  }
}

/** @param text what the file holds. @returns the path of the copy. */
export async function backUp(file: string, text: string, now: Date): Promise<string> {
  const stamp = now.toISOString().replaceAll(':', '-').replace(/\.\d+/, '');
  const mode = (await stat(file)).mode & 0o777;
  for (let count = 1; ; count++) {
    const copy = `${file}.before-switchyard-${stamp}${count === 1 ? '' : `-${count}`}`;
    try {
      await writeFile(copy, text, { flag: 'wx', mode });
      return copy;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
}

async function plainFile(file: string): Promise<{ readonly size: number }> {
  const found = await stat(file);
  if (!found.isFile()) throw new Error('it is not a file');
  return found;
}

/** The target of a link whose target does not exist yet. */
async function linkedPlace(file: string): Promise<string> {
  return readlink(file).then(
    (to) => resolve(dirname(file), to),
    () => file,
  );
}
