/** The header fields that modern HTTP wants beside the body: `Mcp-Name`, and what a tool's schema asks for. */
import { at, type Json, stringAt } from '../core/json.ts';
import type { Listing } from '../core/listing.ts';
import { encodeHeaderValue, type HeaderParam, headerParamsOf } from '../protocol/header-params.ts';

const NAMED = new Set([
  'tools/call',
  'prompts/get',
  'resources/read',
  'tasks/get',
  'tasks/update',
  'tasks/cancel',
]);

export function headerFields(
  method: string,
  name: string,
  params: Json,
  listing: Listing | undefined,
): [name: string, value: string][] {
  if (!NAMED.has(method)) return [];
  const fields: [string, string][] = [['Mcp-Name', encodeHeaderValue(name) ?? '']];
  if (method !== 'tools/call' || !listing) return fields;
  for (const { header, path } of declared(listing).get(name) ?? []) {
    const value = encodeHeaderValue(at(params.value, 'arguments', ...path));
    if (value !== undefined) fields.push([`Mcp-Param-${header}`, value]);
  }
  return fields;
}

const known = new WeakMap<Listing, ReadonlyMap<string, readonly HeaderParam[]>>();

function declared(listing: Listing): ReadonlyMap<string, readonly HeaderParam[]> {
  const found = known.get(listing);
  if (found) return found;
  const made = new Map<string, readonly HeaderParam[]>();
  for (const tool of listing.tools)
    if (tool.text.includes('x-mcp-header'))
      made.set(stringAt(tool.value, 'name') ?? '', headerParamsOf(tool.object ?? {}));
  known.set(listing, made);
  return made;
}
