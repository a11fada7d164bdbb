/**
 * The text of a tool as clients get it: its server's own, edited only where a name, an operator's override,
 * `expose.origin` or a prefixed UI resource says so; a renamed one has a title in words.
 */
import { at, type JsonObject } from '../json/json.ts';
import { editAt, editFirst, editObject } from '../json/edit.ts';
import type { ToolOverride } from './catalog-entry.ts';

export interface ToolEdits {
  readonly name: string;
  /** The title where the name is not the tool's own. */
  readonly titleWhenRenamed: () => string;
  readonly override: ToolOverride | undefined;
  /** Set where the tool's `_meta` is to say whose it is. */
  readonly origin: { readonly server: string; readonly originalName: string } | undefined;
  /** Gives the URI that clients see for one of this server's. */
  readonly prefixedUris: ReadonlyMap<string, string> | undefined;
}

/** `tool` is the value of `text`. */
export function toolText(text: string, tool: JsonObject, edits: ToolEdits): string {
  const { override, origin } = edits;
  let edited = text;
  for (const { path, uri } of uiResources(tool)) {
    const prefixed = edits.prefixedUris?.get(uri);
    if (prefixed !== undefined) edited = editAt(edited, path, () => JSON.stringify(prefixed));
  }
  if (override?.annotations)
    edited = editMember(edited, tool, 'annotations', Object.entries(override.annotations));
  if (origin)
    edited = editMember(edited, tool, '_meta', [
      ['switchyard/server', origin.server],
      ['switchyard/originalName', origin.originalName],
    ]);
  const name = at(tool, 'name');
  const isRenamed = name !== edits.name;
  if (isRenamed) edited = editFirst(edited, 'name', JSON.stringify(name), JSON.stringify(edits.name));
  const members: Record<string, string> = {};
  const title = override?.title ?? (isRenamed ? edits.titleWhenRenamed() : undefined);
  if (title !== undefined) members['title'] = JSON.stringify(title);
  if (override?.description !== undefined) members['description'] = JSON.stringify(override.description);
  return Object.keys(members).length > 0 ? editObject(edited, members) : edited;
}

/** The `ui://` resources that a tool names in its `_meta`, in the MCP Apps form and its older one. */
export function uiResources(tool: JsonObject): readonly { path: readonly string[]; uri: string }[] {
  return UI_RESOURCE_PATHS.flatMap((path) => {
    const uri = at(tool, ...path);
    return typeof uri === 'string' ? [{ path, uri }] : [];
  });
}

const UI_RESOURCE_PATHS = [
  ['_meta', 'ui', 'resourceUri'],
  ['_meta', 'ui/resourceUri'],
] as const;

/** Sets members of one of the tool's own objects, which need not be there yet. */
function editMember(
  text: string,
  tool: JsonObject,
  key: string,
  entries: readonly (readonly [string, unknown])[],
): string {
  const members = Object.fromEntries(
    entries.filter(([, value]) => value !== undefined).map(([name, value]) => [name, JSON.stringify(value)]),
  );
  if (at(tool, key) === undefined) return editObject(text, { [key]: editObject('{}', members) });
  return editAt(text, [key], (found) => editObject(found, members));
}
