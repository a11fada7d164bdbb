/**
 * Who owns a URI that clients see. A URI stays as it is; where several servers claim one, all but the first in
 * config order get a prefix: `switchyard:NAMESPACE:URI`, and `ui://NAMESPACE/rest` for `ui://rest`, because hosts
 * look at that scheme. Templates are treated alike.
 */

export interface UriClaim {
  /** The config key. */
  readonly server: string;
  readonly namespace: string;
  /** The server's own URI or template. */
  readonly uri: string;
}

export interface ClaimedUri extends UriClaim {
  /** The URI or template that clients see. */
  readonly seen: string;
  /** The length of the prefix in `seen`, and the text that the prefix replaced. */
  readonly prefix: UriPrefix | undefined;
}

export interface UriPrefix {
  readonly added: string;
  readonly replaced: string;
}

/** Claims come in config order, one for each URI of a server. */
export function settleUris(claims: readonly UriClaim[]): readonly ClaimedUri[] {
  const owners = new Map<string, UriClaim>();
  // All unprefixed ones first: nobody loses a URI to another's prefixed one.
  for (const claim of claims) if (!owners.has(claim.uri)) owners.set(claim.uri, claim);
  return claims.map((claim) => {
    if (owners.get(claim.uri) === claim) return { ...claim, seen: claim.uri, prefix: undefined };
    const settled = prefixed(claim, (uri) => owners.has(uri));
    owners.set(settled.seen, claim);
    return settled;
  });
}

export function isUiUri(uri: string): boolean {
  return uri.slice(0, UI.length).toLowerCase() === UI;
}

/** A URI or template with its server's prefix. */
export function seenUri(uri: string, namespace: string): string {
  const { added, replaced } = prefixFor(uri, namespace);
  return added + uri.slice(replaced.length);
}

/** The server's own URI behind one that clients see. */
export function withoutPrefix(uri: string, prefix: UriPrefix | undefined): string {
  return prefix ? prefix.replaced + uri.slice(prefix.added.length) : uri;
}

const UI = 'ui://';

function prefixFor(uri: string, namespace: string): UriPrefix {
  if (!isUiUri(uri)) return { added: `switchyard:${namespace}:`, replaced: '' };
  const scheme = uri.slice(0, UI.length);
  return { added: `${scheme}${namespace}/`, replaced: scheme };
}

function prefixed(claim: UriClaim, isTaken: (uri: string) => boolean): ClaimedUri {
  const { replaced } = prefixFor(claim.uri, claim.namespace);
  let seen = seenUri(claim.uri, claim.namespace);
  // Taken only where somebody lists a URI of exactly this form: then the prefix stands twice.
  while (isTaken(seen)) seen = seenUri(seen, claim.namespace);
  const added = seen.slice(0, seen.length - claim.uri.length + replaced.length);
  return { ...claim, seen, prefix: { added, replaced } };
}
