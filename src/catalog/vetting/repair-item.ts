/**
 * Mends what is listed where that costs nothing: `null` in a member that may be absent says the same as none, but the
 * usual clients reject a whole list for it. What cannot be mended without a loss is judged as it came (`vet-item.ts`).
 */
import { at, isObject, type JsonObject } from '../../json/json.ts';
import { editAt, editElements, editObject, memberText } from '../../json/edit.ts';

/** The optional members of an object: what is in them, or `true` where only they themselves may be `null`. */
interface Optional {
  readonly [key: string]: true | Optional | readonly [Optional];
}

export interface Repaired {
  readonly text: string;
  readonly value: JsonObject;
}

const COMMON: Optional = {
  title: true,
  description: true,
  icons: [{ mimeType: true, sizes: true, theme: true }],
  _meta: true,
};
const SCHEMA: Optional = { $schema: true, type: true, properties: true, required: true };
const TOOL: Optional = {
  ...COMMON,
  inputSchema: SCHEMA,
  outputSchema: SCHEMA,
  annotations: {
    title: true,
    readOnlyHint: true,
    destructiveHint: true,
    idempotentHint: true,
    openWorldHint: true,
  },
  execution: { taskSupport: true },
};
const PROMPT: Optional = { ...COMMON, arguments: [{ title: true, description: true, required: true }] };
const RESOURCE: Optional = {
  ...COMMON,
  mimeType: true,
  size: true,
  annotations: { audience: true, priority: true, lastModified: true },
};

/** @param legacy whether its server's revision knows results of type object only. */
export function repairedTool(tool: JsonObject, text: string, legacy: boolean): Repaired {
  const kept = withoutNulls(TOOL, tool, text);
  const isAbsent = [undefined, true].includes(at(kept.value, 'inputSchema') as true | undefined);
  const input = isAbsent ? ANY : schemaRepair(kept, 'inputSchema', legacy);
  const output = legacy ? schemaRepair(kept, 'outputSchema', legacy) : undefined;
  return edited(kept, {
    ...(input !== undefined && { inputSchema: input }),
    ...(output !== undefined && { outputSchema: output }),
  });
}

export function repairedPrompt(prompt: JsonObject, text: string): Repaired {
  return withoutNulls(PROMPT, prompt, text);
}

/** @param key of what names it: its `name` is for people, and may be told from that. */
export function repairedResource(resource: JsonObject, text: string, key: 'uri' | 'uriTemplate'): Repaired {
  const kept = withoutNulls(RESOURCE, resource, text);
  const name = at(kept.value, 'title') ?? at(kept.value, key);
  const isNamed = (at(kept.value, 'name') ?? null) !== null;
  return isNamed || typeof name !== 'string' ? kept : edited(kept, { name: JSON.stringify(name) });
}

/** The schema of a tool that says nothing about its arguments. */
const ANY = '{"type":"object"}';

/**
 * The schema's text where it has to change: what it is for is always an object, whether it says so or not. A property
 * without a schema may be anything, and clients of the legacy family want an object where the schema is `true`.
 */
function schemaRepair(
  { value, text }: Repaired,
  key: 'inputSchema' | 'outputSchema',
  legacy: boolean,
): string | undefined {
  const schema = at(value, key);
  const before = isObject(schema) ? memberText(text, key) : undefined;
  if (before === undefined) return undefined;
  let after = before;
  const type = at(schema, 'type');
  if (type === undefined || (Array.isArray(type) && type.includes('object')))
    after = editObject(after, { type: '"object"' });
  const properties = at(schema, 'properties');
  for (const [name, property] of Object.entries(isObject(properties) ? properties : {})) {
    const isToChange = property === null || (legacy && typeof property === 'boolean');
    if (isToChange)
      after = editAt(after, ['properties', name], () => (property === false ? '{"not":{}}' : '{}'));
  }
  return after === before ? undefined : after;
}

function withoutNulls(optional: Optional, value: JsonObject, text: string): Repaired {
  if (!text.includes('null')) return { text, value };
  const kept = dropNulls(optional, value, text);
  return kept === text ? { text, value } : parsed(kept);
}

function dropNulls(optional: Optional, value: JsonObject, text: string): string {
  const edits: Record<string, string | undefined> = {};
  for (const [key, inner] of Object.entries(optional)) {
    const found = at(value, key);
    const before = found === undefined ? undefined : memberText(text, key);
    if (before === undefined) continue;
    const after = found === null ? undefined : inner === true ? before : dropWithin(inner, found, before);
    if (after !== before) edits[key] = after;
  }
  return Object.keys(edits).length > 0 ? editObject(text, edits) : text;
}

function dropWithin(inner: Optional | readonly [Optional], found: unknown, text: string): string {
  if (!isList(inner)) return isObject(found) ? dropNulls(inner, found, text) : text;
  const [ofEach] = inner;
  if (!Array.isArray(found)) return text;
  const edits = found.flatMap((element: unknown, index) =>
    isObject(element) ? [[index, (each: string) => dropNulls(ofEach, element, each)] as const] : [],
  );
  return editElements(text, new Map(edits));
}

function isList(inner: Optional | readonly [Optional]): inner is readonly [Optional] {
  return Array.isArray(inner);
}

function edited(before: Repaired, edits: Readonly<Record<string, string>>): Repaired {
  return Object.keys(edits).length > 0 ? parsed(editObject(before.text, edits)) : before;
}

function parsed(text: string): Repaired {
  return { text, value: JSON.parse(text) as JsonObject };
}
