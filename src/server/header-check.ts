/**
 * Headers of a modern request must agree with its body: a proxy on the way may have relied on the headers alone.
 */
import type { Catalog } from '../catalog/catalog.ts';
import type { Json, JsonObject } from '../json/json.ts';
import {
  decodeHeaderValue,
  type HeaderParam,
  headerParamsOf,
  NAMED_BY_HEADER,
} from '../protocol/header-params.ts';
import { nameOf } from '../protocol/params.ts';
import { META_PROTOCOL_VERSION } from '../protocol/revisions.ts';
import { headerMismatch } from './modern/request-envelope.ts';

export type HeaderOf = (name: string) => string | undefined;

/** @throws EnvelopeError */
export function checkVersion(params: Json, header: HeaderOf): void {
  const inHeader = header('mcp-protocol-version');
  const inBody = params.at('_meta', META_PROTOCOL_VERSION);
  if (inHeader === undefined) throw headerMismatch('The header MCP-Protocol-Version is missing');
  if (inHeader !== inBody) throw headerMismatch('The header MCP-Protocol-Version and the body disagree');
}

/** @throws EnvelopeError */
export function checkNames(method: string, params: Json, header: HeaderOf): void {
  if (header('mcp-method') !== method) throw headerMismatch('The header Mcp-Method and the method disagree');
  if (!NAMED_BY_HEADER.has(method)) return;
  const name = header('mcp-name');
  if (name === undefined) throw headerMismatch('The header Mcp-Name is missing');
  if (decodeHeaderValue(name.trim()) !== nameOf(method, params))
    throw headerMismatch('The header Mcp-Name and the body disagree');
}

/** @throws EnvelopeError */
export function checkParams(params: Json, header: HeaderOf, catalog: Catalog): void {
  const name = nameOf('tools/call', params) ?? '';
  for (const { header: key, path, type } of headerParams(catalog).get(name) ?? []) {
    const value = params.at('arguments', ...path);
    if (value === undefined || value === null) continue;
    const text = header(`mcp-param-${key.toLowerCase()}`);
    if (text === undefined) throw headerMismatch(`The header Mcp-Param-${key} is missing`);
    const decoded = decodeHeaderValue(text.trim());
    const same = type === 'integer' ? integerIn(decoded) === value : decoded === scalarText(value);
    if (decoded === undefined || !same)
      throw headerMismatch(`The header Mcp-Param-${key} and the body disagree`);
  }
}

/** Reads `5` and `5.0`; other forms that `Number` would take (`0x5`, `5e0`, blanks) are no integers here. */
function integerIn(text: string | undefined): number | undefined {
  return text !== undefined && /^-?\d{1,16}(?:\.0+)?$/.test(text) ? Number(text) : undefined;
}

function scalarText(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : undefined;
}

const known = new WeakMap<Catalog, ReadonlyMap<string, readonly HeaderParam[]>>();

/** The catalog's tools that declare header parameters, by the name clients see. */
function headerParams(catalog: Catalog): ReadonlyMap<string, readonly HeaderParam[]> {
  const found = known.get(catalog);
  if (found) return found;
  const made = new Map<string, readonly HeaderParam[]>();
  for (const text of catalog.lists.tools.items) {
    if (!text.includes('x-mcp-header')) continue;
    const tool = JSON.parse(text) as JsonObject;
    made.set(String(tool['name']), headerParamsOf(tool));
  }
  known.set(catalog, made);
  return made;
}
