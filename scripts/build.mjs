/**
 * Builds dist/: the program in a few files that load quickly, with the types of the library beside them.
 *
 * What every start needs is bundled, the packages of others included, in one script that Node keeps compiled (see
 * src/compiled-script.ts): finding and compiling a hundred small files took longer than all else. What only some need
 * stays in files of its own, and in node_modules, until it is asked for.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { transform } from 'esbuild';
import { rolldown } from 'rolldown';

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

/** @satisfies {import('rolldown').InputOptions} */
const common = {
  cwd: root,
  platform: 'node',
  resolve: { mainFields: ['module', 'main'] },
  external: (id) => external.some((name) => id === name || id.startsWith(`${name}/`)),
};
/** @satisfies {import('rolldown').OutputOptions} */
const written = {
  dir: dist,
  format: 'esm',
  entryFileNames: '[name].js',
  comments: { legal: false, annotation: false, jsdoc: false },
  sourcemap: true,
  sourcemapExcludeSources: true,
};

/** What every start runs: all that it imports is the script. */
const START = join(root, 'src/cli.ts');
/** By id, with the modules of packages. */
const started = new Set();

const bundle = await rolldown({
  ...common,
  input: {
    cli: 'src/cli.ts',
    index: 'src/index.ts',
    'compiled-script': 'src/compiled-script.ts',
    // A thread's own file, looked for beside the one that starts it.
    worker: 'src/workflow/journal/worker.ts',
  },
  plugins: [
    {
      name: 'started',
      buildEnd() {
        const pending = [START];
        for (let id = pending.pop(); id !== undefined; id = pending.pop()) {
          const module = this.getModuleInfo(id);
          if (started.has(id) || !module || module.isExternal) continue;
          started.add(id);
          pending.push(...module.importedIds);
        }
        // The entry is a module of its own.
        started.delete(START);
      },
    },
  ],
});
const { output } = await bundle.write({
  ...written,
  // Flat: what looks for a file by its own place finds it one level above in all of them.
  chunkFileNames: '[name]-[hash].js',
  codeSplitting: {
    groups: [{ name: 'start', test: (id) => started.has(id) || id.startsWith('\0rolldown/') }],
  },
});
await bundle.close();

// A thread's own file, whole in itself: it shares nothing with the program.
const threadBundle = await rolldown({
  ...common,
  input: { 'schema-worker': 'src/catalog/schema-worker.ts' },
});
const thread = await threadBundle.write(written);
await threadBundle.close();

const chunks = [...output, ...thread.output].filter((file) => file.type === 'chunk');
const starts = chunks.filter(({ name }) => name === 'start');
if (starts.length !== 1) throw new Error(`one file is to hold what every start needs, not ${starts.length}`);
await compileLater(starts[0]);
writeFileSync(
  join(dist, 'THIRD-PARTY-LICENSES'),
  licences(chunks.flatMap(({ modules }) => Object.keys(modules))),
);
chmodSync(join(dist, 'cli.js'), 0o755);

/**
 * Turns a module into a script, which Node can keep compiled, and puts a module in its place that runs the script.
 *
 * @param {import('rolldown').OutputChunk} chunk
 */
async function compileLater({ fileName, code, exports, imports }) {
  const loads = imports.filter((name) => name.endsWith('.js'));
  if (loads.length > 0) throw new Error(`a script cannot wait for modules: ${loads.join(', ')}`);
  const dynamic = /\bimport\(/g;
  const named = /\bimport\((?=["'])/g;
  if (code.match(dynamic)?.length !== code.match(named)?.length)
    throw new Error('what looks like a dynamic import names no module');
  // Scripts may not import; the module in whose place it stands may. Plain ASCII is read and kept in half the space.
  const script = await transform(code.replaceAll(named, 'importFrom('), {
    format: 'cjs',
    platform: 'node',
    target: 'node20',
    charset: 'ascii',
    define: { 'import.meta.url': 'moduleUrl' },
    minifyWhitespace: false,
    logOverride: { 'commonjs-variable-in-esm': 'silent' },
  });
  const text = `(function (exports, require, module, importFrom, moduleUrl) {${script.code}\n})`;
  const hash = createHash('sha256').update(text).digest('hex').slice(0, 12);
  const file = `start-${hash}.cjs`;
  rmSync(join(dist, `${fileName}.map`), { force: true });
  writeFileSync(join(dist, file), text);
  const running = `runScript(new URL('./${file}', import.meta.url), (name) => import(name))`;
  writeFileSync(
    join(dist, fileName),
    [
      "import { runScript } from './compiled-script.js';",
      `const all = ${running};`,
      ...exports.map((name, i) => `const _${i} = all[${JSON.stringify(name)}];`),
      `export { ${exports.map((name, i) => `_${i} as ${name}`).join(', ')} };\n`,
    ].join('\n'),
  );
  // The entry need not take the way through that module.
  const cli = join(dist, 'cli.js');
  const entry = readFileSync(cli, 'utf8').replace(
    new RegExp(String.raw`^import \{([^}]+)\} from "\./${fileName.replaceAll('.', String.raw`\.`)}";$`, 'm'),
    (_, names) =>
      `import { runScript } from './compiled-script.js';\nconst {${names.replaceAll(' as ', ': ')}} = ${running};`,
  );
  if (entry.includes(fileName)) throw new Error('cli.js imports in a way that was not expected');
  writeFileSync(cli, entry);
}

/** @param {readonly string[]} files what was bundled, by absolute path. */
function licences(files) {
  const folders = new Set(
    files.flatMap((file) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file)?.[0] ?? []),
  );
  const texts = [...folders].sort().map((folder) => {
    const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    const file = readdirSync(folder).find((one) => /^licen[cs]e(\.\w+)?$/i.test(one));
    if (!file) throw new Error(`${name} is bundled, but has no licence file to ship`);
    return `${name} ${version} (${license})\n\n${readFileSync(join(folder, file), 'utf8').trim()}\n`;
  });
  const rule = `\n${'-'.repeat(80)}\n\n`;
  return `The files in this folder contain the following packages.\n${rule}${texts.join(rule)}`;
}
