import { createHash } from 'node:crypto';

/** Letters, digits, `-` and single `_`, none of these at its end: so `namespace__tool` reads one way only. */
export function isNamespace(text: string): boolean {
  return /^_?[A-Za-z0-9-]+(_[A-Za-z0-9-]+)*$/.test(text);
}

/**
 * The namespace that a config key gives: other characters become `_`, runs of it one, those at the ends go.
 * A key of which nothing is left gives `server_` and a hash.
 */
export function namespaceOf(key: string): string {
  const name = key.replace(/[^A-Za-z0-9-]+/g, '_').replace(/^_+|_+$/g, '');
  return name === '' ? `server_${keyHash(key, 6)}` : name;
}

export interface NamespaceClaim {
  readonly key: string;
  /** The namespace that the user set; valid. */
  readonly namespace?: string | undefined;
}

export interface Namespaces {
  /** Key -> namespace, all different. */
  readonly byKey: ReadonlyMap<string, string>;
  /** Keys whose explicit namespace an earlier server had claimed, with that server's key. */
  readonly conflicts: ReadonlyMap<string, string>;
}

/**
 * One namespace for each server, whatever their order: names that clients remember hang on it.
 *
 * Explicit ones are kept, and a key that is a namespace as it stands has itself. A key that has to be altered has what
 * comes of it while no other gives the same; where several do, none of them has it, and each gets a hash of its key. So
 * a namespace that one server had never passes to another whose key, too, was only like it.
 */
export function assignNamespaces(claims: readonly NamespaceClaim[]): Namespaces {
  const owners = new Map<string, string>();
  const conflicts = new Map<string, string>();
  for (const { key, namespace } of claims) {
    if (namespace === undefined) continue;
    const owner = owners.get(namespace);
    if (owner === undefined) owners.set(namespace, key);
    else conflicts.set(key, owner);
  }
  const derived = claims.flatMap(({ key, namespace }) => (namespace === undefined ? [key] : []));
  const alike = new Map<string, number>();
  for (const plain of derived.map(namespaceOf)) alike.set(plain, (alike.get(plain) ?? 0) + 1);
  for (const key of derived) {
    const plain = namespaceOf(key);
    const isIts = key === plain || alike.get(plain) === 1;
    if (isIts && !owners.has(plain)) owners.set(plain, key);
  }
  const owned = new Map([...owners].map(([namespace, key]) => [key, namespace]));
  // Hashes of a few characters may meet: who makes way is settled by the keys, not by their order.
  for (const key of derived.toSorted()) if (!owned.has(key)) owned.set(key, hashedName(key, owners));
  const byKey = new Map(
    claims.map(({ key, namespace }) => [key, namespace ?? owned.get(key) ?? namespaceOf(key)]),
  );
  return { byKey, conflicts };
}

function hashedName(key: string, owners: Map<string, string>): string {
  const plain = namespaceOf(key);
  let name: string;
  let length = 6;
  do name = `${plain}_${keyHash(key, length)}`;
  while (owners.has(name) && (length += 2) <= 64);
  owners.set(name, key);
  return name;
}

function keyHash(key: string, length: number): string {
  return createHash('sha256').update(key).digest('hex').slice(0, length);
}
