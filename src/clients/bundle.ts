/** `.mcpb` bundles: an archive with a server and its manifest, unpacked where it stays. */
import { createHash } from 'node:crypto';
import { mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join, normalize, sep } from 'node:path';
import { unzipSync } from 'fflate';
import type { ClientDialect } from '../config/dialects/client-dialect.ts';
import { dialects } from '../config/dialects/dialects.ts';
import { type HostEnvironment, userStateFolder } from '../config/folders.ts';
import type { ServerInput } from '../config/schema/server-keys.ts';
import { messageOf } from '../core/errors.ts';
import { at, isObject, stringAt } from '../json/json.ts';
import type { ClientFileFound } from './found-servers.ts';

const MAX_ARCHIVE = 256 * 1024 * 1024;
const MAX_UNPACKED = 1024 * 1024 * 1024;
const MAX_FILES = 50_000;

/** Unpacks it into the state folder, under a name that is made of what it holds. */
export async function readBundle(file: string, machine: HostEnvironment): Promise<ClientFileFound> {
  const client: ClientDialect = { ...(dialects[0] as ClientDialect), name: 'bundle' };
  try {
    if ((await stat(file)).size > MAX_ARCHIVE) throw new Error(`it is larger than ${MAX_ARCHIVE} bytes`);
    const archive = await readFile(file);
    const folder = join(
      userStateFolder(machine),
      'bundles',
      createHash('sha256').update(archive).digest('hex').slice(0, 24),
    );
    const manifest = await unpacked(archive, folder);
    const name = stringAt(manifest, 'name') ?? 'bundle';
    const read = serverOf(manifest, folder, machine);
    if (typeof read === 'string')
      return { client, file, servers: new Map(), skipped: [{ name, reason: read }] };
    return { client, file, servers: new Map([[name, read]]), skipped: [] };
  } catch (error) {
    return { client, file, servers: new Map(), skipped: [], trouble: messageOf(error) };
  }
}

async function unpacked(archive: Buffer, folder: string): Promise<unknown> {
  let bytes = 0;
  let files = 0;
  const entries = unzipSync(archive, {
    filter({ name, originalSize }) {
      bytes += originalSize;
      if (++files > MAX_FILES || bytes > MAX_UNPACKED) throw new Error('it is too large when unpacked');
      return !name.endsWith('/');
    },
  });
  const text = entries['manifest.json'];
  if (!text) throw new Error('it holds no manifest.json');
  const manifest: unknown = JSON.parse(Buffer.from(text).toString('utf8'));
  const fresh = `${folder}.${process.pid}.new`;
  await rm(fresh, { recursive: true, force: true });
  for (const [name, content] of Object.entries(entries)) {
    const target = normalize(join(fresh, name));
    if (!target.startsWith(fresh + sep))
      throw new Error(`a file in it would lie outside: ${JSON.stringify(name)}`);
    await mkdir(dirname(target), { recursive: true, mode: 0o700 });
    // Programs in it are to be started.
    await writeFile(target, content, { mode: 0o700 });
  }
  await rm(folder, { recursive: true, force: true });
  await rename(fresh, folder);
  return manifest;
}

/** @returns a reason where it cannot be started. */
function serverOf(
  manifest: unknown,
  folder: string,
  { platform, homeDir }: HostEnvironment,
): ServerInput | string {
  const config = at(manifest, 'server', 'mcp_config');
  const override = at(config, 'platform_overrides', platform);
  const part = (key: string): unknown => at(override, key) ?? at(config, key);
  const filled = (text: string): string =>
    text
      .replaceAll('${', () => '$${')
      .replaceAll('$${__dirname}', () => folder)
      .replaceAll('$${HOME}', () => homeDir)
      .replaceAll('$${/}', sep)
      .replaceAll('$${pathSeparator}', sep)
      .replaceAll(/\$\$\{user_config\.([\w.-]+)\}/g, (_, key: string) => {
        const field = at(manifest, 'user_config', key);
        const preset = at(field, 'default');
        if (typeof preset === 'string' || typeof preset === 'number' || typeof preset === 'boolean')
          return String(preset);
        // For the user to set: a variable of the environment.
        const isNeeded = at(field, 'sensitive') === true || at(field, 'required') === true;
        return isNeeded ? `\${${key.toUpperCase().replaceAll(/\W/g, '_')}}` : '';
      });
  const command = part('command');
  if (typeof command !== 'string') return 'its manifest names no command';
  const args = part('args');
  const env = part('env');
  return {
    command: filled(command),
    args: (Array.isArray(args) ? (args as unknown[]) : [])
      .filter((one) => typeof one === 'string')
      .map(filled),
    ...(isObject(env) && {
      env: new Map(
        Object.entries(env).flatMap(([key, value]) =>
          typeof value === 'string' ? [[key, filled(value)] as const] : [],
        ),
      ),
    }),
  };
}
