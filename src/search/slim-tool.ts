/**
 * A tool's definition, shortened for clients that put every definition before their model.
 *
 * Name, annotations, required arguments and enums stay. Whatever arguments were valid are valid by the short schema,
 * too: constraints are left out or widened, never made up. Nothing refers to a definition that is left out.
 */
import { isObject, type JsonObject } from '../json/json.ts';
import { firstSentence } from './first-sentence.ts';
import { listAt, propertiesOf, requiredOf, resolved, typesOf } from './local-schema.ts';
import { shortened } from './foreign-line.ts';
import { splitWords } from './split-words.ts';

/** Of an argument that has to be given, and of one that a model may leave alone. */
const MAX_REQUIRED_TEXT = 80;
const MAX_OPTIONAL_TEXT = 60;
/** Words of an argument's text that tell nothing beside its name. */
const FILLERS = new Set('a an the of to for this that is in on s value name parameter argument'.split(' '));
/** What a client has to repeat as a header of its request, wherever it stands. */
const HEADER = 'x-mcp-header';
/** Branches and depth that are looked through: schemas are foreign. */
const MAX_BRANCHES = 64;
const MAX_HEADER_DEPTH = 8;
const MAX_DEPTH = 100;

/** @returns the tool with the same members but for its description and its input schema. */
export function slimTool(tool: JsonObject): JsonObject {
  const { description, inputSchema } = tool;
  return {
    ...tool,
    ...(typeof description === 'string' ? { description: firstSentence(description) } : {}),
    ...(isObject(inputSchema) ? { inputSchema: slimSchema(inputSchema) } : {}),
  };
}

export function slimSchema(schema: JsonObject): JsonObject {
  const root = hasInnerBase(schema, 0) ? {} : schema;
  const top = resolved(schema, root);
  const required = requiredOf(top);
  const properties = new Map<string, JsonObject>();
  const describe = (name: string, property: unknown): JsonObject =>
    described(property, name, required.includes(name) ? MAX_REQUIRED_TEXT : MAX_OPTIONAL_TEXT);
  for (const [name, property] of propertiesOf(top))
    properties.set(name, { ...slimProperty(property, root), ...describe(name, property) });
  // A branch's argument may be anything where another branch is taken: only its name is known.
  for (const [name, property] of branchProperties(top, root))
    if (!properties.has(name)) properties.set(name, describe(name, property));
  return {
    type: 'object',
    ...(properties.size > 0 ? { properties: Object.fromEntries(properties) } : {}),
    ...(required.length > 0 ? { required: [...required] } : {}),
    ...(isClosed(top) ? { additionalProperties: false } : {}),
  };
}

/** Below a base of its own, a reference means another place than it seems: then none is followed. */
function hasInnerBase(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (depth > MAX_DEPTH) return true;
  if (depth > 0 && isObject(value) && typeof value['$id'] === 'string') return true;
  return Object.values(value).some((inner) => hasInnerBase(inner, depth + 1));
}

/** Names beyond the properties are refused, and no pattern lets some through. */
function isClosed(schema: JsonObject): boolean {
  return schema['additionalProperties'] === false && schema['patternProperties'] === undefined;
}

function branchProperties(schema: JsonObject, root: JsonObject): readonly (readonly [string, unknown])[] {
  if (isClosed(schema)) return [];
  const branches = ['allOf', 'anyOf', 'oneOf'].flatMap((keyword) => listAt(schema, keyword));
  return branches.slice(0, MAX_BRANCHES).flatMap((branch) => propertiesOf(resolved(branch, root)));
}

function slimProperty(schema: unknown, root: JsonObject): JsonObject {
  if (!isObject(schema)) return {};
  return { ...widened(schema, root), ...headerOf(schema, root, 0) };
}

/** The first sentence, where it says more than the name. */
function described(schema: unknown, name: string, most: number): JsonObject {
  const text = isObject(schema) ? schema['description'] : undefined;
  if (typeof text !== 'string') return {};
  const sentence = firstSentence(text).replace(/[.。]$/u, '');
  const known = new Set([...splitWords(name), ...splitWords(singular(name))]);
  const saysMore = splitWords(sentence).some((word) => !known.has(word) && !FILLERS.has(word));
  return saysMore ? { description: shortened(sentence, most) } : {};
}

function singular(name: string): string {
  return name.replace(/s$/u, '');
}

/** What a value may be: its types or values, and the types of a list's items. */
function widened(schema: unknown, root: JsonObject): JsonObject {
  const found = resolved(schema, root);
  const { types, values } = allowed(found, root, 0);
  if (values) return enumOf(values, types);
  if (!types || types.size === 0) return {};
  const names = [...types];
  const type = names.length === 1 ? names[0] : names;
  return {
    type,
    ...(types.has('array') ? { items: itemsOf(found, root) } : {}),
    // Some clients take an object without properties for one that may have none.
    ...(types.has('object') ? { additionalProperties: true } : {}),
  };
}

function enumOf(values: ReadonlyMap<string, unknown>, types: ReadonlySet<string> | undefined): JsonObject {
  const [type] = types?.size === 1 ? types : [];
  return { ...(type === undefined ? {} : { type }), enum: [...values.values()] };
}

/** Only where they are plain: a short word for the model, and some clients want a list to say what it holds. */
function itemsOf(schema: JsonObject, root: JsonObject): JsonObject {
  if (typesOf(schema).length !== 1 || !isObject(schema['items']) || schema['prefixItems'] !== undefined)
    return {};
  const { types, values } = allowed(resolved(schema['items'], root), root, 1);
  if (values) return enumOf(values, types);
  if (!types || types.size === 0) return {};
  const names = [...types];
  return {
    type: names.length === 1 ? names[0] : names,
    ...(types.has('object') ? { additionalProperties: true } : {}),
  };
}

interface Allowed {
  /** Any, where there are none. */
  readonly types: ReadonlySet<string> | undefined;
  /** Any of those types, where there are none; by their text. */
  readonly values: ReadonlyMap<string, unknown> | undefined;
}

const ANYTHING: Allowed = { types: undefined, values: undefined };

function allowed(schema: JsonObject, root: JsonObject, depth: number): Allowed {
  if (depth > 4) return ANYTHING;
  const named = new Set(typesOf(schema));
  // OpenAPI's way to say it, which some validators know.
  if (named.size > 0 && schema['nullable'] === true) named.add('null');
  const own: Allowed = { types: named.size > 0 ? named : undefined, values: valuesOf(schema) };
  if (own.types || own.values) return own;
  for (const keyword of ['anyOf', 'oneOf']) {
    const branches = listAt(schema, keyword);
    if (branches.length > 0 && branches.length <= MAX_BRANCHES) {
      const found = branches.map((branch) =>
        isObject(branch) ? allowed(resolved(branch, root), root, depth + 1) : ANYTHING,
      );
      return union(found);
    }
  }
  const [first] = listAt(schema, 'allOf');
  return first === undefined ? ANYTHING : allowed(resolved(first, root), root, depth + 1);
}

function valuesOf(schema: JsonObject): Map<string, unknown> | undefined {
  const values = 'const' in schema ? [schema['const']] : schema['enum'];
  if (!Array.isArray(values)) return undefined;
  const found = new Map((values as unknown[]).map((value) => [JSON.stringify(value), value]));
  if (schema['nullable'] === true) found.set('null', null);
  return found;
}

/** Values only where every branch names its own; else their types. */
function union(branches: readonly Allowed[]): Allowed {
  const types = branches.some((branch) => !branch.types && !branch.values)
    ? undefined
    : new Set(branches.flatMap((branch) => [...(branch.types ?? typesOfValues(branch.values))]));
  const values = branches.every((branch) => branch.values)
    ? new Map(branches.flatMap((branch) => [...(branch.values ?? [])]))
    : undefined;
  return { types, values };
}

function typesOfValues(values: Allowed['values']): string[] {
  return [...(values?.values() ?? [])].map((value) => {
    if (value === null) return 'null';
    if (Array.isArray(value)) return 'array';
    return typeof value;
  });
}

/** The headers of a value and of what is within it, with the way to them. */
function headerOf(schema: unknown, root: JsonObject, depth: number): JsonObject {
  if (!isObject(schema) || depth > MAX_HEADER_DEPTH) return {};
  const found = resolved(schema, root);
  const inner = propertiesOf(found).flatMap(([name, property]) => {
    const header = headerOf(property, root, depth + 1);
    if (Object.keys(header).length === 0) return [];
    return [[name, { ...widened(property, root), ...header }] as const];
  });
  return {
    ...(found[HEADER] === undefined ? {} : { [HEADER]: found[HEADER] }),
    ...(inner.length > 0 ? { properties: Object.fromEntries(inner) } : {}),
  };
}
