import { existsSync } from 'node:fs';

import { ConfigError } from '../config-error.ts';
import { envValue, type HostEnvironment, pathsOf, userConfigFolder } from '../folders.ts';

/**
 * The files that hold the config: those given with `--config`, else `$SWITCHYARD_CONFIG`, else `switchyard.*` in
 * the working folder, else in the user's config folder. Absolute paths; empty if there is none.
 *
 * @throws ConfigError if one folder holds several: which of them counts must not be a guess.
 */
export function findConfigFiles(given: readonly string[], machine: HostEnvironment): readonly string[] {
  const paths = pathsOf(machine.platform);
  const named =
    given.length > 0 ? given : [envValue(machine, 'SWITCHYARD_CONFIG') ?? ''].filter((name) => name !== '');
  if (named.length > 0) return named.map((file) => paths.resolve(machine.cwd, file));
  for (const folder of configFolders(machine)) {
    const files = fileNames.map((name) => paths.join(folder, name)).filter((file) => existsSync(file));
    if (files.length > 1) {
      const message = `stands beside ${files.slice(1).join(' and ')}. Remove one, or name one with --config.`;
      throw new ConfigError([{ file: files[0] ?? '', path: '', message }]);
    }
    if (files.length === 1) return files;
  }
  return [];
}

/** The folders that are searched for a `switchyard.*`, in order; the message that there is none names them. */
export function configFolders(machine: HostEnvironment): readonly string[] {
  return [machine.cwd, userConfigFolder(machine)];
}

const fileNames = ['json', 'jsonc', 'yaml', 'yml', 'toml'].map((extension) => `switchyard.${extension}`);
