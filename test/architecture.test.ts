/** The floors of the house: who may import whom. Type imports count: they tie files together just as well. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

interface Place {
  readonly floor: number;
  /** Parts of the same floor that it may import: the pipeline itself. Lower floors are open to everybody above. */
  readonly doors?: readonly string[];
}

/** A folder of `src`, or a file that stands by itself there. */
const parts: Readonly<Record<string, Place>> = {
  json: { floor: 0 },
  core: { floor: 0, doors: ['json'] },
  // Runs the built program, and knows nothing of it.
  start: { floor: 0 },

  protocol: { floor: 1 },
  transport: { floor: 1, doors: ['protocol'] },
  downstream: { floor: 1, doors: ['transport', 'protocol'] },
  catalog: { floor: 1, doors: ['protocol'] },
  config: { floor: 1 },
  login: { floor: 1, doors: ['transport', 'protocol'] },
  telemetry: { floor: 1 },
  middleware: { floor: 1 },
  expression: { floor: 1 },
  workflow: { floor: 1, doors: ['expression'] },
  search: { floor: 1 },
  presets: { floor: 1 },
  results: { floor: 1, doors: ['expression'] },

  server: { floor: 2 },
  context: { floor: 2 },
  'meta-tools': { floor: 2 },
  routing: { floor: 2 },
  pipeline: { floor: 2, doors: ['meta-tools', 'routing'] },
  control: { floor: 2 },
  clients: { floor: 2 },

  proxy: { floor: 3 },

  cli: { floor: 4 },
  'cli.ts': { floor: 4, doors: ['cli'] },
  'index.ts': { floor: 4 },
};

/** Packages whose values only these files may import; their types may travel. */
const packageHomes: readonly { readonly name: RegExp; readonly files: RegExp }[] = [
  { name: /^zod(\/|$)/, files: /^(config\/|workflow\/definition\/schema\.ts$)/ },
  { name: /^@modelcontextprotocol\//, files: /^login\// },
];

const MAX_FILES_IN_A_FOLDER = 20;

const EXPORTED = /^export (?:abstract |async )?(?:const|let|class|function\*?|interface|type) (?<name>\w+)/gm;

const forbiddenWords = [
  'util',
  'utils',
  'helper',
  'helpers',
  'manager',
  'service',
  'base',
  'impl',
  'upstream',
  'backend',
];

interface Import {
  readonly file: string;
  /** A file of ours, from `src` on, or a package's name. */
  readonly target: string;
  readonly ours: boolean;
  readonly typeOnly: boolean;
  readonly statement: string;
}

const src = fileURLToPath(new URL('../src/', import.meta.url));
const files = readdirSync(src, { recursive: true, encoding: 'utf8' })
  .map((file) => file.split(sep).join('/'))
  .filter((file) => file.endsWith('.ts'));
const imports = files.flatMap(importsOf);

describe('the architecture', () => {
  test('every file belongs to a part that has a floor', () => {
    expect(files.filter((file) => partOf(file) === undefined)).toEqual([]);
  });

  test('nobody imports upwards, or sideways but through a door', () => {
    const wrong = imports.filter(({ ours, file, target }) => ours && !mayImport(file, target));
    expect(wrong.map(({ file, target }) => `${placed(file)} imports ${placed(target)}`)).toEqual([]);
  });

  test('every door leads to a part of the same floor', () => {
    const wrong = Object.entries(parts).flatMap(([part, { floor, doors = [] }]) =>
      doors
        .filter((clientHandle) => parts[clientHandle]?.floor !== floor)
        .map((clientHandle) => `${part} → ${clientHandle}`),
    );
    expect(wrong).toEqual([]);
  });

  test('no file imports itself over others', () => {
    expect(cycles()).toEqual([]);
  });

  test('a package with a home is used nowhere else', () => {
    const wrong = imports.filter(
      ({ file, target, typeOnly }) =>
        !typeOnly && packageHomes.some(({ name, files: home }) => name.test(target) && !home.test(file)),
    );
    expect(wrong.map(({ file, target }) => `${placed(file)} imports ${target}`)).toEqual([]);
  });

  test('only the proxy and the commands see a whole Config', () => {
    const wrong = imports.filter(
      ({ file, target, statement }) =>
        target === 'config/config.ts' &&
        /[{,]\s*(type )?Config\s*[,}]/.test(statement) &&
        !/^(config\/|cli\/|proxy\/|index\.ts)/.test(file),
    );
    expect(wrong.map(({ file }) => placed(file))).toEqual([]);
  });

  test('files are named in kebab-case for the noun they hold', () => {
    const wrong = files.filter((file) => {
      const words = file.replace(/\.ts$/, '').split(/[/-]/);
      return !/^[a-z0-9/-]+\.ts$/.test(file) || words.some((word) => forbiddenWords.includes(word));
    });
    expect(wrong).toEqual([]);
  });

  test('no folder holds more files than a reader can look over', () => {
    const counts = new Map<string, number>();
    for (const file of files) counts.set(dirname(file), (counts.get(dirname(file)) ?? 0) + 1);
    expect([...counts].filter(([, count]) => count > MAX_FILES_IN_A_FOLDER)).toEqual([]);
  });

  test('an exported name stands for one thing', () => {
    // Overloads of one function are one thing.
    const homes = new Map<string, Set<string>>();
    for (const file of files)
      for (const { groups } of textOf(file).matchAll(EXPORTED))
        homes.set(groups?.['name'] ?? '', new Set(homes.get(groups?.['name'] ?? '')).add(file));
    expect([...homes].filter(([, where]) => where.size > 1)).toEqual([]);
  });

  test('the words for the two sides are "downstream" and "client"', () => {
    expect(files.filter((file) => /upstream|backend/i.test(textOf(file)))).toEqual([]);
  });
});

function partOf(file: string): string | undefined {
  return [file, file.split('/', 1).join()].find((part) => Object.hasOwn(parts, part));
}

function floorOf(file: string): number {
  return parts[partOf(file) ?? '']?.floor ?? NaN;
}

function mayImport(file: string, target: string): boolean {
  const [from, to] = [partOf(file) ?? '', partOf(target) ?? ''];
  if (dirname(file) === dirname(target) && dirname(file) !== '.') return true;
  if (from === to || floorOf(target) < floorOf(file)) return true;
  return parts[from]?.doors?.includes(to) === true;
}

function placed(file: string): string {
  return `src/${file} (floor ${floorOf(file)})`;
}

function textOf(file: string): string {
  return readFileSync(join(src, file), 'utf8');
}

/** Prettier's form is relied upon: an import begins its line and ends with a semicolon. */
function importsOf(file: string): Import[] {
  const text = textOf(file);
  const found = [
    ...text.matchAll(/^(?:import|export)\b[^;'"]*?\bfrom '(?<target>[^']+)'/gm),
    ...text.matchAll(/^import '(?<target>[^']+)'/gm),
    ...text.matchAll(/\bimport\(\s*'(?<target>[^']+)'/g),
  ];
  return found.map(({ 0: statement, groups }) => {
    const written = groups?.['target'] ?? '';
    const ours = written.startsWith('.');
    const target = ours
      ? normalize(join(dirname(file), written))
          .split(sep)
          .join('/')
      : written;
    return { file, target, ours, typeOnly: /^(import|export) type\b/.test(statement), statement };
  });
}

/** One cycle for each file that closes one, as the way round. */
function cycles(): string[] {
  const found: string[] = [];
  const done = new Set<string>();
  const way: string[] = [];
  const visit = (file: string): void => {
    if (way.includes(file)) found.push([...way.slice(way.indexOf(file)), file].join(' → '));
    if (done.has(file) || way.includes(file)) return;
    way.push(file);
    for (const { file: from, target, ours } of imports) if (ours && from === file) visit(target);
    way.pop();
    done.add(file);
  };
  for (const file of files) visit(file);
  return found;
}
