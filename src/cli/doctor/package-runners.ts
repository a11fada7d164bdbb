/** Findings about broken caches of package runners, which take half of a package for the whole one ever after. */
import { existsSync, lstatSync, readdirSync, realpathSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import type { Config } from '../../config/config.ts';
import { envValue, type HostEnvironment } from '../../config/folders.ts';
import { brokenFolderIn } from '../../transport/child-process/package-cache.ts';
import { packageRunner } from '../../transport/child-process/package-runners.ts';
import type { Finding } from './finding.ts';
import { oneLine } from '../terminal/sanitize.ts';

/** What was touched later may be being unpacked at this moment. */
const QUIET_MS = 120_000;

/** Reads the reason why a server did not start. @returns `undefined` where no broken cache is the reason. */
export function brokenRunnerFinding(server: string, why: string): Finding | undefined {
  const broken = brokenFolderIn(why);
  if (!broken) return undefined;
  const { runner, folder } = broken;
  return {
    severity: 'error',
    what: `${server}: what ${runner} keeps of its package is broken`,
    cause: oneLine(why),
    remedy: `remove ${folder}: the package is fetched anew at the next start`,
    ...(runner === 'npx' && { fix: () => removeNpxFolder(folder) }),
  };
}

/** Packages that npx never unpacked to the end, by what is on the disk. */
export function runnerFindings(
  config: Config,
  machine: HostEnvironment,
  known: readonly Finding[],
): Finding[] {
  const usesNpx = [...config.servers.values()].some(
    ({ disabled, transport }) =>
      !disabled &&
      transport.kind === 'stdio' &&
      ['npx', 'npm exec', 'npm x'].includes(packageRunner(transport.command, transport.args)?.name ?? ''),
  );
  if (!usesNpx) return [];
  return npmCaches(config, machine)
    .flatMap(halfUnpacked)
    .filter((folder) => !known.some(({ remedy }) => remedy.includes(folder)))
    .map((folder) => ({
      severity: 'warning',
      what: `${folder} holds a package that npx did not unpack to the end`,
      cause: 'npx was killed in the middle of it, and takes what is there for the whole package',
      remedy: `remove ${folder}: the package is fetched anew when it is wanted`,
      fix: () => removeNpxFolder(folder),
    }));
}

/** npm writes the list of what it unpacked last of all. */
function halfUnpacked(cache: string): string[] {
  const place = join(cache, '_npx');
  if (!existsSync(place)) return [];
  return readdirSync(place)
    .map((name) => join(place, name))
    .filter((folder) => {
      const modules = join(folder, 'node_modules');
      if (!isNpxFolder(folder) || !existsSync(modules)) return false;
      if (existsSync(join(modules, '.package-lock.json'))) return false;
      return [folder, modules].every((one) => Date.now() - lstatSync(one).mtimeMs > QUIET_MS);
    });
}

function npmCaches(config: Config, machine: HostEnvironment): string[] {
  const told = [...config.servers.values()].flatMap(({ transport }) =>
    transport.kind === 'stdio'
      ? [transport.env.get('npm_config_cache'), transport.env.get('NPM_CONFIG_CACHE')]
      : [],
  );
  const home = machine.homeDir || homedir();
  const local = envValue(machine, 'LOCALAPPDATA');
  const all = [
    ...told,
    envValue(machine, 'npm_config_cache'),
    envValue(machine, 'NPM_CONFIG_CACHE'),
    join(home, '.npm'),
    ...(local === undefined ? [] : [join(local, 'npm-cache')]),
  ];
  return [...new Set(all.filter((one) => one !== undefined))];
}

/** Nothing but the folder of one package within npm's own cache: the name comes from what a program said. */
async function removeNpxFolder(folder: string): Promise<void> {
  if (!isNpxFolder(folder)) throw new Error(`${folder} is no folder of npx`);
  await rm(folder, { recursive: true, force: true });
}

function isNpxFolder(folder: string): boolean {
  const place = dirname(folder);
  const cache = dirname(place);
  try {
    return (
      /^[0-9a-f]{16}$/.test(basename(folder)) &&
      basename(place) === '_npx' &&
      lstatSync(folder).isDirectory() &&
      realpathSync(folder) === join(realpathSync(cache), '_npx', basename(folder)) &&
      // npm keeps what it has downloaded beside it.
      lstatSync(join(cache, '_cacache')).isDirectory()
    );
  } catch {
    return false;
  }
}
