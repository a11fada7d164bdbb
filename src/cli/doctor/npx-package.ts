/** A folder of npx, looked at on the disk: whether the package that an error speaks of is all there. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { at, isObject } from '../../json/json.ts';

/** A module that was not found, by its path or by its name. */
const MISSING = /Cannot find (?:module|package) ['"](?<module>[^'"]+)['"]/g;
/** A path up to the innermost package in it. */
const UP_TO_PACKAGE = /^.*[\\/]node_modules[\\/](?:@[^\\/]+[\\/])?[^\\/]+/;
const PACKAGE_NAME = /^(?:@[\w.-]+\/)?[\w-][\w.-]*/;
const ENDINGS = ['', '.js', '.cjs', '.mjs', '.json', '.node', '/index.js'];

/**
 * Tells whether npx unpacked what the error is about. npm writes its list of packages last of all; a file that no
 * package declares may have been missing from the start, and so may a package that is not on the list.
 */
export function isWholeFor(folder: string, why: string): boolean {
  const packages = at(jsonIn(join(folder, 'node_modules', '.package-lock.json')), 'packages');
  if (!isObject(packages)) return false;
  const listed = Object.keys(packages).filter((place) => {
    const optional = at(packages[place], 'optional') === true || at(packages[place], 'peer') === true;
    return place.startsWith('node_modules/') && !optional;
  });
  const places = listed.map((place) => join(folder, place));
  const missing = [...why.matchAll(MISSING)].flatMap(
    ({ groups }) => packageOf(folder, groups?.['module'] ?? '') ?? [],
  );
  // Words that name no package may be about any.
  const suspects = missing.length > 0 ? missing : places;
  return suspects.every((place) => isWhole(place) || (!existsSync(place) && !places.includes(place)));
}

/** The folder of the package that a module belongs to. */
function packageOf(folder: string, module: string): string | undefined {
  if (module.includes(folder)) return UP_TO_PACKAGE.exec(module.slice(module.indexOf(folder)))?.[0];
  const name = PACKAGE_NAME.exec(module)?.[0];
  return name === undefined ? undefined : join(folder, 'node_modules', name);
}

/** Its description can be read, and the files that it declares are there. */
function isWhole(place: string): boolean {
  const told = jsonIn(join(place, 'package.json'));
  if (!isObject(told)) return false;
  const declared = [...texts(told['main']), ...texts(told['bin']), ...texts(at(told, 'exports', '.'))];
  const entries = declared.length > 0 || told['exports'] !== undefined ? declared : ['index.js'];
  return entries.every((entry) => ENDINGS.some((ending) => existsSync(join(place, entry + ending))));
}

/** A text, or the texts that an object holds at any depth, without what is only for compilers. */
function texts(value: unknown, depth = 4): string[] {
  if (typeof value === 'string') return value.includes('*') ? [] : [value];
  if (!isObject(value) || depth === 0) return [];
  return Object.entries(value).flatMap(([key, inner]) => (key === 'types' ? [] : texts(inner, depth - 1)));
}

function jsonIn(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as unknown;
  } catch {
    return undefined;
  }
}
