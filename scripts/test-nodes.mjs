/**
 * Runs the core of the suite and the demo on other versions of Node: `npm run test:nodes [-- 22 24]`.
 *
 * The npm packages `node-PLATFORM-ARCH` carry the programs; they are installed into a folder beside the dependencies.
 * The build is the one of the Node that runs this script.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../', import.meta.url));
const wanted = process.argv.slice(2);
const versions = wanted.length > 0 ? wanted : ['22', '24'];

/** Folders of `test/` that depend on Node itself: bytes, processes, sockets, timers, threads, the compile cache. */
const CORE = [
  'core',
  'json',
  'protocol',
  'transport',
  'middleware',
  'relay',
  'downstream',
  'proxy',
  'start',
  'workflow',
  'control',
].map((folder) => `test/${folder}/`);

const failed = versions.filter((version) => !passes(version));
process.stdout.write(
  failed.length === 0
    ? `test:nodes: all passed on Node ${versions.join(', ')}\n`
    : `test:nodes: failed on Node ${failed.join(', ')}\n`,
);
process.exit(failed.length === 0 ? 0 : 1);

/** @param {string} version */
function passes(version) {
  const node = installed(version);
  const { stdout } = spawnSync(node, ['--version'], { encoding: 'utf8' });
  process.stdout.write(`\ntest:nodes: ${stdout.trim()}\n`);
  const vitest = join(root, 'node_modules/vitest/vitest.mjs');
  return run(node, [vitest, 'run', ...CORE]) && run(node, [join(root, 'examples/demo.mjs')]);
}

/** @param {string} version */
function installed(version) {
  const name = `node-${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`;
  const folder = join(root, 'node_modules/.cache/nodes', version);
  const program = join(
    folder,
    'node_modules',
    name,
    process.platform === 'win32' ? 'bin/node.exe' : 'bin/node',
  );
  if (existsSync(program)) return program;
  mkdirSync(folder, { recursive: true });
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
  const args = [
    'install',
    '--prefix',
    folder,
    '--no-audit',
    '--no-fund',
    '--no-package-lock',
    `${name}@${version}`,
  ];
  const { status } = spawnSync(npm, args, { stdio: 'inherit' });
  if (status !== 0) throw new Error(`npm has no ${name}@${version}`);
  return program;
}

/** @param {string} program @param {readonly string[]} args */
function run(program, args) {
  return spawnSync(program, args, { cwd: root, stdio: 'inherit' }).status === 0;
}
