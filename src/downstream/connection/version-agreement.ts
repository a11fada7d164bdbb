/** A server that refuses the revision it was asked for, instead of choosing another: which to ask for next. */
import { INVALID_PARAMS, ProxyError, RpcError, UNSUPPORTED_PROTOCOL_VERSION } from '../../core/errors.ts';
import { at } from '../../json/json.ts';
import { DRAFT, LEGACY_REVISIONS } from '../../protocol/revisions.ts';
import { HttpStatusError } from '../../transport/http-client/errors.ts';

const REVISION = /\b20\d\d-\d\d-\d\d\b/g;
/** The part of a refusal that is looked at. */
const MAX_CHARACTERS = 10_000;

/**
 * The legacy revisions to try next, best first.
 *
 * @param refused the one that was asked for. @param clients what our own client speaks, where there is one.
 * @returns none where the refusal is about something else, or names only what nobody here speaks.
 */
export function otherVersions(
  refusal: unknown,
  refused: string,
  clients: string | undefined,
): readonly string[] {
  const text = textOf(refusal);
  if (text === undefined) return [];
  const named = new Set(text.match(REVISION));
  const refusedByName = named.delete(refused);
  if (named.size > 0) return [...LEGACY_REVISIONS, DRAFT].filter((version) => named.has(version));
  if (!refusedByName && !isAboutVersion(refusal, text)) return [];
  return preferring(
    clients,
    LEGACY_REVISIONS.filter((version) => version !== refused),
  );
}

function preferring(first: string | undefined, versions: readonly string[]): readonly string[] {
  return versions.filter((one) => one === first).concat(versions.filter((one) => one !== first));
}

/** Several give no more than "invalid params". */
function isAboutVersion(refusal: unknown, text: string): boolean {
  if (refusal instanceof RpcError) {
    // This code belongs to the modern era: such a server has no other legacy revision than those it names.
    if (refusal.code === UNSUPPORTED_PROTOCOL_VERSION) return false;
    if (refusal.code === INVALID_PARAMS) return true;
  }
  return /version|revision/i.test(text);
}

/** `undefined` for what is no answer of the server. */
function textOf(refusal: unknown): string | undefined {
  if (refusal instanceof RpcError) {
    const data = at(refusal.json.value, 'data');
    return `${refusal.message} ${JSON.stringify(data ?? '')}`.slice(0, MAX_CHARACTERS);
  }
  const cause = refusal instanceof ProxyError ? refusal.cause : undefined;
  return cause instanceof HttpStatusError ? cause.bodyText.slice(0, MAX_CHARACTERS) : undefined;
}
