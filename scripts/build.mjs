/**
 * Builds dist/: the program in a few files that load quickly, with the types of the library beside them.
 *
 * What every start needs is bundled, the packages of others included: reading a hundred small files took longer than
 * all else. What only some need stays in files of its own, and in node_modules, until it is asked for.
 */
import { spawnSync } from 'node:child_process';
import { chmodSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('../', import.meta.url));
const dist = join(root, 'dist');

rmSync(dist, { recursive: true, force: true });
const tsc = spawnSync(
  process.execPath,
  [join(root, 'node_modules/typescript/bin/tsc'), '-p', 'tsconfig.build.json'],
  {
    cwd: root,
    stdio: 'inherit',
  },
);
if (tsc.status !== 0) process.exit(1);

const { dependencies, optionalDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
// Whoever installs us gets these; what else is imported becomes part of our files. zod is both: our types speak of its.
const external = Object.keys({ ...dependencies, ...optionalDependencies }).filter((name) => name !== 'zod');
const { metafile } = await build({
  absWorkingDir: root,
  entryPoints: {
    cli: 'src/cli.ts',
    index: 'src/index.ts',
    // A thread's own file, looked for beside the one that starts it.
    worker: 'src/workflow/journal/worker.ts',
  },
  outdir: dist,
  // Flat: what looks for a file by its own place finds it one level above in all of them.
  chunkNames: 'chunk-[hash]',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  mainFields: ['module', 'main'],
  external: [...external, ...external.map((name) => `${name}/*`)],
  // Some of the packages are CommonJS, and ask for Node's own modules by `require`.
  banner: {
    js: `import { createRequire as requireFrom } from 'node:module';\nconst require = requireFrom(import.meta.url);`,
  },
  legalComments: 'none',
  sourcemap: 'linked',
  sourcesContent: false,
  metafile: true,
});

writeFileSync(join(dist, 'THIRD-PARTY-LICENSES'), licences(Object.keys(metafile.inputs)));
chmodSync(join(dist, 'cli.js'), 0o755);

/** @param {readonly string[]} inputs the files that were bundled. */
function licences(inputs) {
  const folders = new Set(
    inputs.flatMap((file) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file)?.[0] ?? []),
  );
  const texts = [...folders].sort().map((folder) => {
    const { name, version, license } = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8'));
    const file = readdirSync(join(root, folder)).find((one) => /^licen[cs]e(\.\w+)?$/i.test(one));
    if (!file) throw new Error(`${name} is bundled, but has no licence file to ship`);
    return `${name} ${version} (${license})\n\n${readFileSync(join(root, folder, file), 'utf8').trim()}\n`;
  });
  const rule = `\n${'-'.repeat(80)}\n\n`;
  return `The files in this folder contain the following packages.\n${rule}${texts.join(rule)}`;
}
