/** Names in the params of each method, and a request's params rewritten for the next hop. */
import { type Client, type Era, META_IDEMPOTENCY_KEY } from '../core/call.ts';
import { at, isObject, type Json, type JsonObject, quoted, stringAt } from '../json/json.ts';
import { editAt, editObject, type Edits, objectMembers, memberText } from '../json/edit.ts';
import { NOWHERE } from '../json/reader.ts';
import { lastOffset, onlyOffset, type MemberOffsets } from '../json/scan.ts';
import type { IdText } from './message.ts';
import {
  LATEST_MODERN,
  META_CLIENT_CAPABILITIES,
  META_CLIENT_INFO,
  META_LOG_LEVEL,
  META_PROTOCOL_VERSION,
} from './revisions.ts';

const NAME_PATHS: ReadonlyMap<string, readonly string[]> = new Map([
  ['tools/call', ['name']],
  ['prompts/get', ['name']],
  ['resources/read', ['uri']],
  ['resources/subscribe', ['uri']],
  ['resources/unsubscribe', ['uri']],
  ['tasks/get', ['taskId']],
  ['tasks/result', ['taskId']],
  ['tasks/cancel', ['taskId']],
  ['tasks/update', ['taskId']],
]);

/** The path of the name within the params; `undefined` for methods that name nothing. */
function namePath(method: string, params: Json): readonly string[] | undefined {
  if (method !== 'completion/complete') return NAME_PATHS.get(method);
  return stringAt(params.at('ref'), 'type') === 'ref/resource' ? ['ref', 'uri'] : ['ref', 'name'];
}

/** The name a request acts on; `undefined` where it is missing or no string. */
export function nameOf(method: string, params: Json): string | undefined {
  if (method === 'tools/call') return params.stringAt('name');
  const path = namePath(method, params);
  const found = path && params.at(...path);
  return typeof found === 'string' ? found : undefined;
}

/** The progress token of a request, as it is spelt; `undefined` where it has none that is a string or a number. */
export function progressTokenOf(params: Json): IdText | undefined {
  const token = params.at('_meta', 'progressToken');
  const isToken = typeof token === 'string' || typeof token === 'number';
  return isToken ? params.textAt('_meta', 'progressToken') : undefined;
}

/** The id of the request that a `notifications/cancelled` is about, as it is spelt. */
export function cancelledId(params: Json): IdText {
  return params.textAt('requestId') ?? '';
}

/** The parts of a request that change from one hop to the next. */
export interface Hop {
  readonly method: string;
  /** The name as the receiver knows it. */
  readonly name: string;
  readonly client: Client;
  readonly era: Era;
  /** Our own progress token; absent where the client did not ask for progress. */
  readonly progressToken: number | undefined;
  /** To be put into `_meta`. */
  readonly idempotencyKey?: string | undefined;
}

/** The params for the next hop: its name, our progress token, the envelope that the receiver's era wants; all else as it came. */
export function paramsForHop(params: Json, hop: Hop): Json {
  return params.edit((text) => renamed(text, params, hop) ?? edited(text, params, hop));
}

function edited(before: string, params: Json, hop: Hop): string {
  const { method, name } = hop;
  const value = isObject(params.brief) ? params.brief : {};
  const path = namePath(method, params);
  let text = before;
  const edits: Record<string, string | undefined> = {};
  if (path && (params.at(...path) !== name || standsTwice(text, path))) {
    if (path.length === 1) edits[path[0] as string] = JSON.stringify(name);
    else text = editAt(text, path, () => JSON.stringify(name));
  }
  if (
    hop.era === 'legacy' &&
    hop.client.era === 'modern' &&
    (value['inputResponses'] !== undefined || value['requestState'] !== undefined)
  ) {
    // Answers to questions that a legacy server has not asked.
    edits['inputResponses'] = edits['requestState'] = undefined;
  }
  const metaEdits = envelopeEdits(value['_meta'], hop);
  if (metaEdits !== undefined) {
    const meta = editObject(memberText(text, '_meta') ?? '{}', metaEdits);
    edits['_meta'] = meta === '{}' ? undefined : meta;
  }
  return Object.keys(edits).length === 0 ? text : editObject(text, edits);
}

/** Read by a server that takes the first of two, it would be another name than the one that was looked at here. */
function standsTwice(text: string, [key, ...inner]: readonly string[]): boolean {
  return inner.length === 0 && (objectMembers(text) ?? []).filter((member) => member.key === key).length > 1;
}

/** Params of which nothing changes but the name and the key in `_meta`, as of nearly all: spliced. */
function renamed(
  text: string,
  params: Json,
  { method, name, client, era, progressToken, idempotencyKey: key }: Hop,
): string | undefined {
  const { places } = params;
  if (!places || method !== 'tools/call' || era !== client.era || progressToken !== undefined)
    return undefined;
  const named = onlyOffset(text, places, 'name');
  const meta = lastOffset(text, places, '_meta');
  const isNew = meta === NOWHERE;
  if (named === NOWHERE || !(isNew || takesMember(text, params, places, meta))) return undefined;
  const start = places[named + 2] as number;
  const end = places[named + 3] as number;
  const spelt = quoted(name);
  if (key === undefined) return text.slice(0, start) + spelt + text.slice(end);
  const member = `"${META_IDEMPOTENCY_KEY}":${quoted(key)}`;
  const at = isNew ? text.length - 1 : (places[meta + 2] as number) + 1;
  const added = isNew ? `,"_meta":{${member}}` : isEmptyAt(text, at) ? member : `${member},`;
  return start < at
    ? text.slice(0, start) + spelt + text.slice(end, at) + added + text.slice(at)
    : text.slice(0, at) + added + text.slice(at, start) + spelt + text.slice(end);
}

/** `_meta` stays as it is but for one member more. */
function takesMember(text: string, params: Json, places: MemberOffsets, meta: number): boolean {
  return (
    onlyOffset(text, places, '_meta') === meta &&
    text.startsWith('{', places[meta + 2]) &&
    params.at('_meta', 'progressToken') === undefined &&
    params.at('_meta', META_IDEMPOTENCY_KEY) === undefined
  );
}

/** The object ends where its first member would be. */
function isEmptyAt(text: string, from: number): boolean {
  let at = from;
  while (text.charCodeAt(at) <= 0x20) at++;
  return text.startsWith('}', at);
}

function envelopeEdits(
  meta: unknown,
  { client, era, progressToken, idempotencyKey }: Hop,
): Edits | undefined {
  const edits: Record<string, string | undefined> = {};
  if (era !== client.era && (meta !== undefined || era === 'modern'))
    Object.assign(edits, era === 'modern' ? modernEnvelope(client) : NO_ENVELOPE);
  if (progressToken !== undefined || at(meta, 'progressToken') !== undefined)
    edits['progressToken'] = progressToken?.toString();
  if (idempotencyKey !== undefined) edits[META_IDEMPOTENCY_KEY] = JSON.stringify(idempotencyKey);
  return Object.keys(edits).length > 0 ? edits : undefined;
}

const NO_ENVELOPE: Edits = {
  [META_PROTOCOL_VERSION]: undefined,
  [META_CLIENT_INFO]: undefined,
  [META_CLIENT_CAPABILITIES]: undefined,
  [META_LOG_LEVEL]: undefined,
};

/** The members of `_meta` that every modern request must have, as edits of a `_meta` object. */
export function modernEnvelope(client: Pick<Client, 'info' | 'capabilities' | 'logLevel'>): Edits {
  return {
    [META_PROTOCOL_VERSION]: JSON.stringify(LATEST_MODERN),
    [META_CLIENT_INFO]: client.info && JSON.stringify(client.info),
    [META_CLIENT_CAPABILITIES]: JSON.stringify(modernCapabilities(client.capabilities)),
    [META_LOG_LEVEL]: client.logLevel === undefined ? undefined : JSON.stringify(client.logLevel),
  };
}

/** A legacy client's capabilities in the modern family's terms: no core tasks, no roots notifications. */
function modernCapabilities({ tasks: _tasks, roots, ...rest }: JsonObject): JsonObject {
  return { ...rest, ...(roots !== undefined && { roots: {} }) };
}
