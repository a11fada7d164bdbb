/**
 * `x-mcp-header`: arguments of a tool that a modern HTTP client repeats as `Mcp-Param-*` headers, and how a value
 * is written into a header. The rules are those of the 2026-07-28 revision, "Streamable HTTP".
 */
import { at, isObject, type JsonObject } from '../json/json.ts';

/** The methods whose name, URI or task id modern HTTP repeats in `Mcp-Name`. */
export const NAMED_BY_HEADER: ReadonlySet<string> = new Set([
  'tools/call',
  'prompts/get',
  'resources/read',
  'tasks/get',
  'tasks/update',
  'tasks/cancel',
]);

/** One argument that is repeated as a header. */
export interface HeaderParam {
  /** As declared; the header is `Mcp-Param-` and this. */
  readonly header: string;
  /** The keys that lead to it in the arguments. */
  readonly path: readonly string[];
  readonly type: 'string' | 'integer' | 'boolean';
}

/** The declarations in a tool's `inputSchema`; none where one of them is invalid. */
export function headerParamsOf(tool: JsonObject): readonly HeaderParam[] {
  const found = scanned(tool);
  return found.fault === undefined ? found.params : [];
}

/** Why a client must drop this tool, if it must. */
export function headerParamFault(tool: JsonObject): string | undefined {
  return scanned(tool).fault;
}

/** @returns `undefined` where the value has no form in a header, so that the header is left out. */
export function encodeHeaderValue(value: unknown): string | undefined {
  if (typeof value === 'boolean') return String(value);
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) return undefined;
    return Number.isInteger(value) && !Number.isSafeInteger(value) ? undefined : String(value);
  }
  if (typeof value !== 'string') return undefined;
  if (PLAIN.test(value) && !isEncoded(value)) return value;
  return `${OPEN}${Buffer.from(value, 'utf8').toString('base64')}${CLOSE}`;
}

/** @returns `undefined` where the text is no valid header value. */
export function decodeHeaderValue(text: string): string | undefined {
  if (!isEncoded(text)) return text === '' || PLAIN.test(text) ? text : undefined;
  if (text.length < OPEN.length + CLOSE.length) return undefined;
  const payload = text.slice(OPEN.length, -CLOSE.length);
  const bytes = Buffer.from(payload, 'base64');
  // Buffer reads anything; only the one canonical spelling is a value.
  if (bytes.toString('base64') !== payload) return undefined;
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

const OPEN = '=?base64?';
const CLOSE = '?=';

/** Visible ASCII, with blanks and tabs inside only. */
const PLAIN = /^[\x21-\x7e](?:[\t\x20-\x7e]*[\x21-\x7e])?$/;

function isEncoded(text: string): boolean {
  return text.startsWith(OPEN) && text.endsWith(CLOSE);
}

const KEY = 'x-mcp-header';
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

/** Keywords whose subschemas apply only to some inputs: a header declared under them is out of reach. */
const OUT_OF_REACH = [
  'items',
  'prefixItems',
  'contains',
  'additionalProperties',
  'unevaluatedProperties',
  'unevaluatedItems',
  'propertyNames',
  'oneOf',
  'anyOf',
  'allOf',
  'not',
  'if',
  'then',
  'else',
] as const;

/** The same, with the subschemas one level down, under names. */
const OUT_OF_REACH_BY_NAME = ['patternProperties', 'dependentSchemas', '$defs', 'definitions'] as const;

interface Found {
  readonly params: HeaderParam[];
  /** In small letters. */
  readonly headers: Set<string>;
  fault: string | undefined;
}

function scanned(tool: JsonObject): Found {
  const found: Found = { params: [], headers: new Set(), fault: undefined };
  scan(at(tool, 'inputSchema'), [], true, found);
  return found;
}

function scan(schema: unknown, path: readonly string[], reachable: boolean, found: Found): void {
  if (!isObject(schema) || found.fault !== undefined) return;
  if (Object.hasOwn(schema, KEY)) declare(schema, path, reachable, found);
  for (const [key, inner] of subschemas(schema, 'properties')) scan(inner, [...path, key], reachable, found);
  for (const keyword of OUT_OF_REACH_BY_NAME)
    for (const [key, inner] of subschemas(schema, keyword)) scan(inner, [...path, key], false, found);
  for (const keyword of OUT_OF_REACH) {
    const inner = at(schema, keyword);
    for (const one of Array.isArray(inner) ? inner : [inner]) scan(one, path, false, found);
  }
}

function subschemas(schema: JsonObject, keyword: string): readonly [string, unknown][] {
  const named = at(schema, keyword);
  return isObject(named) ? Object.entries(named) : [];
}

function declare(schema: JsonObject, path: readonly string[], reachable: boolean, found: Found): void {
  const header = schema[KEY];
  const type = at(schema, 'type');
  if (!reachable || path.length === 0) found.fault = `declares ${KEY} where no argument is certain to stand`;
  else if (typeof header !== 'string' || !TOKEN.test(header))
    found.fault = `declares an ${KEY} that is not a header name`;
  else if (type !== 'string' && type !== 'integer' && type !== 'boolean')
    found.fault = `declares ${KEY} on an argument that is no string, integer or boolean`;
  else if (found.headers.has(header.toLowerCase())) found.fault = `declares one ${KEY} twice`;
  else {
    found.headers.add(header.toLowerCase());
    found.params.push({ header, path, type });
  }
}
