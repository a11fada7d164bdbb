/**
 * Where a running proxy listens for its own user: a socket in a folder that only this user may enter, or a named
 * pipe on Windows.
 */
import { createHash } from 'node:crypto';
import { lstat, mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The strictest of the systems allows 103 bytes. */
const LONGEST_PATH = 100;

export interface SocketPathOptions {
  readonly stateDir: string;
  /** Tells the sockets of one state folder apart. */
  readonly name: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly platform: string;
}

/** Makes the folder. @throws Error where it cannot be had for us alone. */
export async function socketPath({ stateDir, name, env, platform }: SocketPathOptions): Promise<string> {
  const id = createHash('sha256').update(stateDir).digest('hex').slice(0, 12);
  if (platform === 'win32') return `\\\\.\\pipe\\switchyard-${id}-${name}`;
  const near = join(stateDir, 'run', `${name}.sock`);
  if (Buffer.byteLength(near) <= LONGEST_PATH) {
    await ownFolder(join(stateDir, 'run'));
    return near;
  }
  const folder = join(env['XDG_RUNTIME_DIR'] ?? tmpdir(), `switchyard-${process.getuid?.() ?? 0}`);
  await ownFolder(folder);
  const path = join(folder, `${id}-${name}.sock`);
  if (Buffer.byteLength(path) <= LONGEST_PATH) return path;
  throw new Error(`no folder with a path short enough for a socket: ${near} and ${path} are too long`);
}

/** In a folder that others may write to, somebody could have made it before us. */
async function ownFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const stat = await lstat(folder);
  const uid = process.getuid?.();
  if (!stat.isDirectory() || (uid !== undefined && stat.uid !== uid) || (stat.mode & 0o077) !== 0)
    throw new Error(`${folder} is not a folder that only this user may enter`);
}
