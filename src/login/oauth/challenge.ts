/** The parameters of `WWW-Authenticate: Bearer …`, with which a server refuses a request. */
export interface Challenge {
  readonly error: string | undefined;
  readonly scope: string | undefined;
  readonly resourceMetadataUrl: string | undefined;
}

export const NO_CHALLENGE: Challenge = { error: undefined, scope: undefined, resourceMetadataUrl: undefined };

export function challengeFrom(field: string | undefined): Challenge {
  if (field === undefined) return NO_CHALLENGE;
  const at = field.search(/\b(bearer|dpop)\s/i);
  if (at < 0) return NO_CHALLENGE;
  const rest = field.slice(at);
  const valueOf = (name: string): string | undefined => {
    const match = new RegExp(String.raw`[\s,]${name}\s*=\s*(?:"([^"]*)"|([^\s,"]+))`, 'i').exec(rest);
    return match?.[1] ?? match?.[2];
  };
  const url = valueOf('resource_metadata');
  return {
    error: valueOf('error'),
    scope: valueOf('scope'),
    resourceMetadataUrl: url !== undefined && URL.canParse(url) ? url : undefined,
  };
}

/** Every scope of all of them, once. */
export function scopeUnion(...scopes: readonly (string | undefined)[]): string | undefined {
  const all = new Set(scopes.flatMap((scope) => (scope ?? '').split(/\s+/).filter((one) => one !== '')));
  return all.size > 0 ? [...all].join(' ') : undefined;
}

/** `wanted` has a scope that `had` lacks. */
export function widens(wanted: string | undefined, had: string | undefined): boolean {
  const known = new Set((had ?? '').split(/\s+/));
  return (wanted ?? '').split(/\s+/).some((one) => one !== '' && !known.has(one));
}
