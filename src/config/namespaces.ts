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
  /** As the user set it; valid. */
  readonly namespace?: string | undefined;
}

export interface Namespaces {
  /** Key -> namespace, all different. */
  readonly byKey: ReadonlyMap<string, string>;
  /** Keys whose explicit namespace an earlier server had claimed, with that server's key. */
  readonly conflicts: ReadonlyMap<string, string>;
}

/**
 * One namespace for each server. Explicit ones are kept; among keys that give the same one, the first keeps it
 * and a later one gets a hash of its key, the same from run to run.
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
  const byKey = new Map<string, string>();
  for (const { key, namespace } of claims) {
    const name = namespace ?? freeName(key, owners);
    if (namespace === undefined) owners.set(name, key);
    byKey.set(key, name);
  }
  return { byKey, conflicts };
}

function freeName(key: string, owners: ReadonlyMap<string, string>): string {
  const plain = namespaceOf(key);
  let name = plain;
  for (let length = 6; owners.has(name); length += 2) name = `${plain}_${keyHash(key, length)}`;
  return name;
}

function keyHash(key: string, length: number): string {
  return createHash('sha256').update(key).digest('hex').slice(0, length);
}
