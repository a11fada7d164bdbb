/**
 * Builds dist/: the program in a few files that load quickly, the types of the library in one file beside them, and
 * what the bundled packages of others ask for: their licences, and a list of them.
 *
 * What every start needs is bundled, the packages of others included, in one script that Node keeps compiled (see
 * src/start/compile-cache.ts): finding and compiling a hundred small files took longer than all else. What only some need
 * stays in files of its own, and in node_modules, until it is asked for.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { transform } from 'esbuild';
import { rolldown } from 'rolldown';
import { dts } from 'rolldown-plugin-dts';

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

const own = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
// Whoever installs us gets these; what else is imported becomes part of our files.
const external = Object.keys({ ...own.dependencies, ...own.optionalDependencies });
await rollUpTypes();

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
    'compiled-script': 'src/start/compile-cache.ts',
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
  input: { 'schema-worker': 'src/catalog/schemas/schema-worker.ts' },
});
const thread = await threadBundle.write(written);
await threadBundle.close();

const chunks = [...output, ...thread.output].filter((file) => file.type === 'chunk');
const starts = chunks.filter(({ name }) => name === 'start');
if (starts.length !== 1) throw new Error(`one file is to hold what every start needs, not ${starts.length}`);
await compileLater(starts[0]);
const bundled = packagesOf(chunks.flatMap(({ modules }) => Object.keys(modules)));
writeFileSync(join(dist, 'THIRD-PARTY-LICENSES'), licences(bundled));
writeFileSync(join(dist, 'sbom.cdx.json'), `${JSON.stringify(billOfMaterials(bundled), undefined, 2)}\n`);
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

/**
 * Makes one file of the declarations that the library's users can reach. A reference to a package that they do not
 * have would only be noticed by those who check libraries, so there must be none.
 */
async function rollUpTypes() {
  const separate = join(dist, 'types');
  const types = await rolldown({
    cwd: root,
    input: { index: join(separate, 'index.d.ts') },
    external: (id) => !/^(?:[./]|[A-Za-z]:)/.test(id),
    plugins: [dts({ dtsInput: true, tsconfig: false })],
  });
  const { output: files } = await types.write({ dir: dist, format: 'esm' });
  await types.close();
  rmSync(separate, { recursive: true });
  const [{ code }] = files;
  const foreign = /^import\b.*|\bimport\(.*|\bNodeJS\.\w+/m.exec(code);
  if (files.length !== 1 || foreign)
    throw new Error(`the types are to be one file that needs no other: ${foreign?.[0] ?? files.length}`);
}

/**
 * @param {readonly string[]} files what was bundled, by absolute path.
 * @returns {{ folder: string, name: string, version: string, license: string }[]} by folder.
 */
function packagesOf(files) {
  const folders = new Set(
    files.flatMap(
      (file) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file.replaceAll('\\', '/'))?.[0] ?? [],
    ),
  );
  return [...folders].sort().map((folder) => {
    const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    return { folder, name, version, license };
  });
}

/** @param {ReturnType<typeof packagesOf>} packages */
function licences(packages) {
  const texts = packages.map(({ folder, name, version, license }) => {
    const file = readdirSync(folder).find((one) => /^licen[cs]e(\.\w+)?$/i.test(one));
    if (!file) throw new Error(`${name} is bundled, but has no licence file to ship`);
    return `${name} ${version} (${license})\n\n${readFileSync(join(folder, file), 'utf8').trim()}\n`;
  });
  const rule = `\n${'-'.repeat(80)}\n\n`;
  return `The files in this folder contain the following packages.\n${rule}${texts.join(rule)}`;
}

/**
 * The packages that are part of our files, which no lock file of those who install us names, as CycloneDX. Without a
 * time or a serial number: the same sources give the same list.
 *
 * @param {ReturnType<typeof packagesOf>} packages
 */
function billOfMaterials(packages) {
  const component = (type, { name, version, license }) => ({
    type,
    'bom-ref': `pkg:npm/${name.replace('@', '%40')}@${version}`,
    name,
    version,
    licenses: [license.includes(' ') ? { expression: license } : { license: { id: license } }],
    purl: `pkg:npm/${name.replace('@', '%40')}@${version}`,
  });
  const subject = component('application', own);
  const components = packages.map((one) => component('library', one));
  return {
    $schema: 'http://cyclonedx.org/schema/bom-1.6.schema.json',
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    version: 1,
    metadata: { component: subject },
    components,
    dependencies: [{ ref: subject['bom-ref'], dependsOn: components.map((one) => one['bom-ref']) }],
  };
}
