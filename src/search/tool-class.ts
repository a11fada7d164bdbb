/**
 * What calling a tool may do, by its own word and its operator's: the one thing that decides which `call_*` runs it.
 *
 * Follows the defaults of the specification and fails closed: whoever says nothing, or says it in another type, is taken
 * for destructive.
 */
import { isObject } from '../json/json.ts';

/** `destructive?`: it does not say, so that the worst is assumed. */
export type ToolClass = 'read' | 'write' | 'destructive' | 'destructive?';
export type Access = 'read' | 'write' | 'destructive';

const ACCESSES: readonly Access[] = ['read', 'write', 'destructive'];

/** @param annotations as they are after the operator's overrides; foreign, so of any type. */
export function toolClass(annotations: unknown): ToolClass {
  const { readOnlyHint, destructiveHint } = isObject(annotations) ? annotations : {};
  // `destructiveHint` means something only where a tool is not read-only.
  if (readOnlyHint === true) return 'read';
  if (destructiveHint === false) return 'write';
  return destructiveHint === true ? 'destructive' : 'destructive?';
}

/** The weakest access that may run such a tool. */
export function accessFor(found: ToolClass): Access {
  return found === 'destructive?' ? 'destructive' : found;
}

/** May who was given this access run such a tool? A stronger access may run weaker tools. */
export function allows(access: Access, found: ToolClass): boolean {
  return ACCESSES.indexOf(access) >= ACCESSES.indexOf(accessFor(found));
}
