import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { ConfigError } from '../../src/config/config-error.ts';
import type { Config, ServerConfig } from '../../src/config/config.ts';
import type { HostEnvironment } from '../../src/config/folders.ts';
import { loadConfig } from '../../src/config/load/load-config.ts';
import { temporaryFolder } from '../harness/temp-folder.ts';

export interface TestMachine extends HostEnvironment {
  /** Writes a file under the working folder (or at an absolute path) and gives its path. */
  readonly write: (path: string, text: string) => string;
  readonly load: (...files: string[]) => Promise<Config>;
}

/** A machine of its own: a home with a project in it, which is the working folder. */
export function machine(env: Readonly<Record<string, string>> = {}): TestMachine {
  const homeDir = temporaryFolder('config');
  const cwd = join(homeDir, 'project');
  mkdirSync(cwd);
  const options: HostEnvironment = { env, cwd, homeDir, platform: 'linux' };
  const write = (path: string, text: string): string => {
    const file = path.startsWith('/') ? path : join(cwd, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
    return file;
  };
  return { ...options, write, load: (...files) => loadConfig({ ...options, files }) };
}

/** Loads one `switchyard.json`. */
export async function loadOwn(
  text: string | object,
  env: Readonly<Record<string, string>> = {},
): Promise<Config> {
  const { write, load } = machine(env);
  return load(write('switchyard.json', typeof text === 'string' ? text : JSON.stringify(text)));
}

export async function loadServer(
  entry: object,
  env: Readonly<Record<string, string>> = {},
): Promise<ServerConfig> {
  const config = await loadOwn({ mcpServers: { one: entry } }, env);
  return server(config, 'one');
}

export function server(config: Config, key: string): ServerConfig {
  const found = config.servers.get(key);
  if (found === undefined) throw new Error(`no server "${key}" in ${[...config.servers.keys()].join(', ')}`);
  return found;
}

/** What loading complains about, as people read it. */
export async function complaint(loading: Promise<unknown>): Promise<string> {
  try {
    await loading;
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  throw new Error('expected the config to be refused');
}
