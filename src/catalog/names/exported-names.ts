/**
 * The names clients see, for tools and prompts: `namespace__name`, or a hashed form of it.
 *
 * Clients remember names in their permissions, so a name goes by server and tool, and never by who comes first. One
 * that fits as it stands is kept. In one that does not, other characters become `_`; it gets a hash at its end only
 * where somebody else would have what comes of that, where it is too long, or where letters were lost: names in another
 * script would all come to the same. Between several that fit and are the same (two servers, without prefixes), or
 * several that became the same, nobody has the better right: all get a hash.
 *
 * A namespace has no `__` in it and no `_` at its end, so a prefixed name has one reading only: with prefixes, what
 * other servers list changes nothing. A hashed name ends in `_` and eight or more characters of an alphabet without
 * vowels, 0 and 1. A name that looks hashed by nature is itself hashed, so the two kinds never meet, and nobody can take
 * a name by guessing its hash.
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

/** The exported names of all claims, no two of them for the same thing; in the same order. */
export function exportedNames(claims: readonly NameClaim[], options: NamingOptions): readonly ExportedName[] {
  const owners = ownersOf(claims, options);
  const taken = new Set(owners.keys());
  const hashed = new Map<NameClaim, string>();
  // Two hashes may agree in their first characters: who makes way is settled by the hashes, not by any order.
  const others = claims.filter((claim) => owners.get(plainName(claim, options)) !== claim);
  for (const { claim, hash } of others.map(withHash).sort((a, b) => (a.hash < b.hash ? -1 : 1))) {
    const name = hashedName(claim, hash, options, taken);
    hashed.set(claim, name);
    taken.add(name);
  }
  return claims.map((claim) => {
    const plain = plainName(claim, options);
    const name = hashed.get(claim);
    if (name === undefined) return { name: plain, denied: undefined };
    if (options.isReserved(plain)) return { name, denied: 'reserved' };
    return { name, denied: isFit(claim, options) ? 'taken' : undefined };
  });
}

/** Who has which name without a hash. */
function ownersOf(claims: readonly NameClaim[], options: NamingOptions): Map<string, NameClaim> {
  const owners = new Map<string, NameClaim>();
  const contested = new Set<string>();
  const natural = claims.filter((claim) => plainName(claim, options) === fullName(claim, options));
  const altered = claims.filter((claim) => plainName(claim, options) !== fullName(claim, options));
  for (const group of [natural, altered]) {
    const found = new Map<string, NameClaim>();
    for (const claim of group) {
      const name = plainName(claim, options);
      if (claim.yields || !isFit(claim, options) || options.isReserved(name)) continue;
      if (found.has(name)) contested.add(name);
      found.set(name, claim);
    }
    for (const [name, claim] of found) if (!owners.has(name) && !contested.has(name)) owners.set(name, claim);
  }
  return owners;
}

const LOOKS_HASHED = /_[bcdfghjklmnpqrstvwxz2-9]{8,}$/;
/** A letter, mark or digit that no exported name holds. */
const LOST = /(?![A-Za-z0-9])[\p{L}\p{M}\p{N}]/u;
const ALPHABET = 'bcdfghjklmnpqrstvwxz23456789';
const HASH_LENGTH = 8;

/** The name needs no hash, as far as it alone is concerned. */
function isFit(claim: NameClaim, options: NamingOptions): boolean {
  const name = plainName(claim, options);
  return (
    name.length <= options.maxNameLength && !LOOKS_HASHED.test(name) && !LOST.test(fullName(claim, options))
  );
}

function withHash(claim: NameClaim): { claim: NameClaim; hash: string } {
  return { claim, hash: hashOf(claim) };
}

function hashedName(
  claim: NameClaim,
  hash: string,
  options: NamingOptions,
  taken: ReadonlySet<string>,
): string {
  const plain = plainName(claim, options);
  // Where all that starts so is reserved, an ending does not help.
  const front = options.isReserved(`${plain}_`) ? plain.replace(/_+/, '_') : plain;
  let length = HASH_LENGTH;
  const name = (): string =>
    `${front.slice(0, Math.max(0, options.maxNameLength - length - 1))}_${hash.slice(0, length)}`;
  while (length < hash.length && (taken.has(name()) || options.isReserved(name()))) length++;
  return name();
}

/** As it would be called if nobody else were there. */
function plainName(claim: NameClaim, options: NamingOptions): string {
  return fullName(claim, options).replace(/[^A-Za-z0-9_-]/gu, '_');
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
