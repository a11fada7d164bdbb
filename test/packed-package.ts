/** The package as npm packs it, installed in a folder. */
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** @returns the files that were packed. */
export async function installPacked(folder: string): Promise<readonly string[]> {
  // dist/ was built before the tests; building it again would pull it from under those that run beside this one.
  const { stdout } = await run('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', folder]);
  const [{ filename, files }] = JSON.parse(stdout) as [{ filename: string; files: { path: string }[] }];
  await writeFile(join(folder, 'package.json'), '{ "private": true, "type": "module" }');
  const flags = ['--no-audit', '--no-fund', '--prefer-offline', '--omit=dev'];
  await run('npm', ['install', ...flags, join(folder, filename)], { cwd: folder, env: withoutCompiler() });
  return files.map(({ path }) => path);
}

/** A PATH whose compilers fail when they are asked for anything. */
function withoutCompiler(): NodeJS.ProcessEnv {
  const path = [dirname(process.execPath), process.env['PATH'] ?? ''].join(delimiter);
  const none = '/bin/false';
  return { ...process.env, PATH: path, CC: none, CXX: none, MAKE: none, npm_config_make: none, PYTHON: none };
}
