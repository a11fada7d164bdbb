/**
 * The names clients see, for tools and prompts: `namespace__name`, or a hashed form of it.
 *
 * A hashed name ends in `_` and eight or more characters of an alphabet without vowels, 0 and 1. A name that looks
 * hashed by nature is itself hashed, so the two kinds never meet, and nobody can take a name by guessing its hash.
 * A namespace has no `__` in it and no `_` at its end, so a prefixed name has one reading only. It follows that
 * with prefixes a name depends on its own server, its own name and the config, and on nobody else. Without them,
 * where several servers claim one name, the first in config order keeps it and the others' are hashed.
 */
import { createHash } from 'node:crypto';

export interface NameClaim {
  /** The config key. */
  readonly server: string;
  readonly namespace: string;
  readonly originalName: string;
  /** The operator's name for it, or its own. */
  readonly localName: string;
  /** Another of this server's items has the better right to the plain name. */
  readonly yields: boolean;
}

export interface NamingOptions {
  readonly prefix: boolean;
  readonly maxNameLength: number;
  /** Names that no claim gets, hashed or not. */
  readonly isReserved: (name: string) => boolean;
}

export interface ExportedName {
  readonly name: string;
  /** Why a name that needed no altering was not given: it is the proxy's own, or somebody else has it. */
  readonly denied: 'reserved' | 'taken' | undefined;
}

/** The exported names of all claims, which come in config order, no two for the same thing; in the same order. */
export function exportedNames(claims: readonly NameClaim[], options: NamingOptions): readonly ExportedName[] {
  const owners = new Map<string, NameClaim>();
  // Plain names first: a hashed name can always grow out of the way.
  for (const claim of claims) {
    const name = fullName(claim, options);
    if (isPlain(name, options) && !claim.yields && !options.isReserved(name) && !owners.has(name))
      owners.set(name, claim);
  }
  return claims.map((claim) => {
    const full = fullName(claim, options);
    if (owners.get(full) === claim) return { name: full, denied: undefined };
    const name = hashedName(claim, options, owners);
    owners.set(name, claim);
    if (options.isReserved(full)) return { name, denied: 'reserved' };
    return { name, denied: isPlain(full, options) ? 'taken' : undefined };
  });
}

const LOOKS_HASHED = /_[bcdfghjklmnpqrstvwxz2-9]{8,}$/;
const ALPHABET = 'bcdfghjklmnpqrstvwxz23456789';
const HASH_LENGTH = 8;

function isPlain(name: string, { maxNameLength }: NamingOptions): boolean {
  return name.length <= maxNameLength && /^[A-Za-z0-9_-]+$/.test(name) && !LOOKS_HASHED.test(name);
}

function hashedName(claim: NameClaim, options: NamingOptions, taken: ReadonlyMap<string, unknown>): string {
  const sanitised = fullName(claim, options).replace(/[^A-Za-z0-9_-]/gu, '_');
  // Where all that starts so is reserved, an ending does not help.
  const front = options.isReserved(`${sanitised}_`) ? sanitised.replace(/_+/, '_') : sanitised;
  const hash = hashOf(claim);
  let length = HASH_LENGTH;
  const name = (): string =>
    `${front.slice(0, Math.max(0, options.maxNameLength - length - 1))}_${hash.slice(0, length)}`;
  // Only ever longer where two hashes agree in their first eight characters.
  while (length < hash.length && (taken.has(name()) || options.isReserved(name()))) length++;
  return name();
}

function fullName(claim: NameClaim, options: NamingOptions): string {
  return options.prefix ? `${claim.namespace}__${claim.localName}` : claim.localName;
}

/** 26 characters; JSON tells `["a","bc"]` from `["ab","c"]` and one lone surrogate from another. */
function hashOf({ server, originalName }: NameClaim): string {
  const bytes = createHash('sha256')
    .update(JSON.stringify([server, originalName]))
    .digest();
  let number = bytes.readBigUInt64BE(0) * 2n ** 64n + bytes.readBigUInt64BE(8);
  let text = '';
  for (let i = 0; i < 26; i++) {
    text += ALPHABET[Number(number % 28n)];
    number /= 28n;
  }
  return text;
}
