/** The header fields that modern HTTP wants beside the body: `Mcp-Name`, and what a tool's schema asks for. */
import type { Call } from '../../core/call.ts';
import { stringAt } from '../../json/json.ts';
import type { Listing } from '../../core/listing.ts';
import {
  encodeHeaderValue,
  type HeaderParam,
  headerParamsOf,
  NAMED_BY_HEADER,
} from '../../protocol/header-params.ts';

export type NamedRequest = Pick<Call, 'method' | 'name' | 'params' | 'headers'>;

/** The fields that a tool's schema declares are written by the proxy; others pass as the client sent them. */
export function headerFields(
  { method, name, params, headers }: NamedRequest,
  listing: Listing | undefined,
): [name: string, value: string][] {
  const fields: [string, string][] = NAMED_BY_HEADER.has(method)
    ? [['Mcp-Name', encodeHeaderValue(name) ?? '']]
    : [];
  const ours = method === 'tools/call' && listing ? (declared(listing).get(name) ?? []) : [];
  for (const { header, path } of ours) {
    const value = encodeHeaderValue(params.at('arguments', ...path));
    if (value !== undefined) fields.push([`Mcp-Param-${header}`, value]);
  }
  for (const [field, value] of headers ?? [])
    if (!ours.some(({ header }) => `mcp-param-${header.toLowerCase()}` === field))
      fields.push([field, value]);
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
