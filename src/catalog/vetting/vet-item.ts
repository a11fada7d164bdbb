/**
 * Is a listed item fit to be passed on? The usual clients reject a whole list for one item of the wrong shape,
 * so such an item is refused here and costs only itself.
 *
 * Only what the protocol defines is looked at; unknown fields pass. Each function returns why an item is
 * refused, or `undefined` where it is not.
 */
import { at, isObject, type JsonObject } from '../../json/json.ts';
import { headerParamFault } from '../../protocol/header-params.ts';
import { hasForbiddenNameCharacter } from './hidden-characters.ts';

/** The spec's own limit. */
const MAX_NAME_LENGTH = 128;

/** The first revision in which an output schema need not be of type object, nor a property schema an object. */
const ANY_SCHEMA_SINCE = '2026-07-28';

export function isLegacy(protocolVersion: string): boolean {
  return protocolVersion < ANY_SCHEMA_SINCE;
}

/** The fault of a tool's or a prompt's name, if it has one. */
export function nameFault(name: unknown): string | undefined {
  if (name === undefined) return 'has no name';
  if (typeof name !== 'string') return 'has a name that is not a string';
  if (name === '') return 'has an empty name';
  if (name.length > MAX_NAME_LENGTH) return `has a name longer than ${MAX_NAME_LENGTH} characters`;
  if (hasForbiddenNameCharacter(name)) return 'has a control or bidi character in its name';
  return undefined;
}

/** Judged by the revision that its server speaks. `text` is the tool's own. */
export function toolFault(tool: JsonObject, text: string, protocolVersion: string): string | undefined {
  const legacy = isLegacy(protocolVersion);
  return (
    inputSchemaFault(at(tool, 'inputSchema'), legacy) ??
    memberFault(tool, TOOL) ??
    // A schema without the word, plain or in escapes, need not be walked through.
    (text.includes('x-mcp-header') || text.includes('\\u') ? headerParamFault(tool) : undefined)
  );
}

/** Why its `outputSchema` is not passed on, if it is not: the tool is as good without it. */
export function outputFault(tool: JsonObject, protocolVersion: string): string | undefined {
  return outputSchemaFault(at(tool, 'outputSchema'), isLegacy(protocolVersion));
}

export function promptFault(prompt: JsonObject): string | undefined {
  return memberFault(prompt, PROMPT);
}

/** The fault of a resource's URI or template: any text will do, since it stays as it is. */
export function uriFault(uri: unknown): string | undefined {
  return typeof uri === 'string' && uri !== '' ? undefined : 'has no URI';
}

/** The fault of a resource or a resource template, if it has one. */
export function resourceFault(resource: JsonObject): string | undefined {
  if (!isString(at(resource, 'name'))) return 'has no name';
  return memberFault(resource, RESOURCE);
}

function inputSchemaFault(schema: unknown, legacy: boolean): string | undefined {
  if (schema === undefined) return 'has no inputSchema';
  if (!isObject(schema)) return 'has an inputSchema that is not an object';
  if (at(schema, 'type') !== 'object') return 'has an inputSchema that is not of type "object"';
  return schemaFault(schema, 'inputSchema', legacy);
}

function outputSchemaFault(schema: unknown, legacy: boolean): string | undefined {
  if (schema === undefined) return undefined;
  if (!isObject(schema)) return 'has an outputSchema that is not an object';
  if (!legacy) return memberFault(schema, { $schema: isString }, 'outputSchema.');
  if (at(schema, 'type') !== 'object') return 'has an outputSchema that is not of type "object"';
  return schemaFault(schema, 'outputSchema', legacy);
}

function schemaFault(schema: JsonObject, name: string, legacy: boolean): string | undefined {
  if (!legacy) return memberFault(schema, { $schema: isString }, `${name}.`);
  return memberFault(schema, { properties: isObjectOfObjects, required: isStrings }, `${name}.`);
}

type Check = (value: unknown) => boolean;

/** Members that may be absent, but where present are of one shape. */
function memberFault(
  item: JsonObject,
  checks: Readonly<Record<string, Check>>,
  prefix = '',
): string | undefined {
  for (const [key, fits] of Object.entries(checks)) {
    const value = at(item, key);
    if (value !== undefined && !fits(value)) return `has a malformed "${prefix}${key}"`;
  }
  return undefined;
}

const COMMON = { title: isString, description: isString, icons: isIcons, _meta: isObject } as const;
const TOOL = { ...COMMON, annotations: isToolAnnotations, execution: isExecution } as const;
const PROMPT = { ...COMMON, arguments: isPromptArguments } as const;
const RESOURCE = {
  ...COMMON,
  mimeType: isString,
  size: isNumber,
  annotations: isResourceAnnotations,
} as const;

function isString(value: unknown): boolean {
  return typeof value === 'string';
}

function isNumber(value: unknown): boolean {
  return typeof value === 'number';
}

function isBoolean(value: unknown): boolean {
  return typeof value === 'boolean';
}

function isStrings(value: unknown): boolean {
  return Array.isArray(value) && value.every(isString);
}

function isObjectOfObjects(value: unknown): boolean {
  return (
    isObject(value) && Object.values(value).every((inner) => typeof inner === 'object' && inner !== null)
  );
}

function isIcons(value: unknown): boolean {
  return isListOf(value, (icon) => isString(at(icon, 'src')) && memberFault(icon, ICON) === undefined);
}

function isExecution(value: unknown): boolean {
  return isObject(value) && memberFault(value, EXECUTION) === undefined;
}

function isPromptArguments(value: unknown): boolean {
  return isListOf(
    value,
    (argument) =>
      isString(at(argument, 'name')) &&
      memberFault(argument, { description: isString, required: isBoolean }) === undefined,
  );
}

function isListOf(value: unknown, fits: (item: JsonObject) => boolean): boolean {
  return Array.isArray(value) && value.every((item: unknown) => isObject(item) && fits(item));
}

function isToolAnnotations(value: unknown): boolean {
  return isObject(value) && memberFault(value, TOOL_ANNOTATIONS) === undefined;
}

function isResourceAnnotations(value: unknown): boolean {
  return isObject(value) && memberFault(value, RESOURCE_ANNOTATIONS) === undefined;
}

function isOneOf(...values: readonly string[]): Check {
  return (value) => values.some((one) => one === value);
}

function isAudience(value: unknown): boolean {
  return Array.isArray(value) && value.every(isOneOf('user', 'assistant'));
}

function isShare(value: unknown): boolean {
  return typeof value === 'number' && value >= 0 && value <= 1;
}

function isDateTime(value: unknown): boolean {
  return typeof value === 'string' && DATE_TIME.test(value) && !Number.isNaN(Date.parse(value));
}

const DATE_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d)$/;
const ICON = { mimeType: isString, sizes: isStrings, theme: isOneOf('light', 'dark') } as const;
const EXECUTION = { taskSupport: isOneOf('required', 'optional', 'forbidden') } as const;
const RESOURCE_ANNOTATIONS = { audience: isAudience, priority: isShare, lastModified: isDateTime } as const;
const TOOL_ANNOTATIONS = {
  title: isString,
  readOnlyHint: isBoolean,
  destructiveHint: isBoolean,
  idempotentHint: isBoolean,
  openWorldHint: isBoolean,
} as const;
