/** Findings about broken caches of package runners, which take half of a package for the whole one ever after. */
import { existsSync, lstatSync, readdirSync, realpathSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import type { Config, ServerConfig } from '../../config/config.ts';
import { envValue, type HostEnvironment } from '../../config/folders.ts';
import { brokenFolderIn } from '../../transport/child-process/package-cache.ts';
import { packageRunner } from '../../transport/child-process/package-runners.ts';
import type { Finding } from './finding.ts';
import { isWholeFor } from './npx-package.ts';
import { oneLine } from '../terminal/sanitize.ts';

/** What was touched later may be being unpacked at this moment. */
const QUIET_MS = 120_000;

export interface BrokenRunnerOptions {
  readonly config: Config;
  readonly machine: HostEnvironment;
  /** Starts the server once more. @returns what is still wrong with it. */
  readonly again: () => Promise<readonly Finding[]>;
}

/**
 * Reads the reason why a server did not start. The folder comes from what the server said: so it is removed only where
 * the server is started by npx, and the disk bears out that its package is not whole.
 *
 * @returns `undefined` where no broken cache is the reason.
 */
export function brokenRunnerFinding(
  { key, transport }: ServerConfig,
  why: string,
  { config, machine, again }: BrokenRunnerOptions,
): Finding | undefined {
  const broken = brokenFolderIn(why);
  if (!broken || transport.kind !== 'stdio') return undefined;
  const { runner, folder } = broken;
  const byNpx = isNpx(transport);
  if (runner === 'npx' ? !byNpx : !packageRunner(transport.command, transport.args)) return undefined;
  const finding = {
    severity: 'error',
    what: `${oneLine(key, 80)}: what ${runner} keeps of its package is broken`,
    remedy: `remove ${folder}: the package is fetched anew at the next start`,
  } as const;
  if (!byNpx) return { ...finding, cause: oneLine(why) };
  const left = whyLeft(folder, why, npmCaches(config, machine));
  if (left !== undefined) return { ...finding, cause: `${oneLine(why)}; --fix leaves the folder: ${left}` };
  return {
    ...finding,
    cause: oneLine(why),
    async fix() {
      await removeNpxFolder(folder);
      const [still] = await again();
      if (still) throw new Error(`the folder was removed, and then: ${still.cause}`);
    },
  };
}

/** The reason for not removing a folder, if there is one. */
function whyLeft(folder: string, why: string, caches: readonly string[]): string | undefined {
  if (!isNpxFolder(folder)) return 'it is no folder of npx';
  const cache = realpathSync(dirname(dirname(folder)));
  if (!caches.some((known) => existsSync(known) && realpathSync(known) === cache))
    return "it is in no npm cache of this machine's or the config's";
  if (isWholeFor(folder, why)) return 'npx unpacked it to the end, so the package itself may be at fault';
  return undefined;
}

/** Packages that npx never unpacked to the end, by what is on the disk. */
export function runnerFindings(
  config: Config,
  machine: HostEnvironment,
  known: readonly Finding[],
): Finding[] {
  const usesNpx = [...config.servers.values()].some(
    ({ disabled, transport }) => !disabled && transport.kind === 'stdio' && isNpx(transport),
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
      untried: 'no server was started with it since',
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
      return isQuiet(folder);
    });
}

function isQuiet(folder: string): boolean {
  const parts = [folder, join(folder, 'node_modules')].filter((one) => existsSync(one));
  return parts.every((one) => Date.now() - lstatSync(one).mtimeMs > QUIET_MS);
}

function isNpx({ command, args }: { readonly command: string; readonly args: readonly string[] }): boolean {
  return ['npx', 'npm exec', 'npm x'].includes(packageRunner(command, args)?.name ?? '');
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
