import { matchesGlob } from '../catalog/names/glob.ts';

/** @param globs patterns of the names that clients see. */
export function matchesAny(name: string, globs: readonly string[]): boolean {
  return globs.some((glob) => matchesGlob(name, glob));
}
