/**
 * A tool in one line: `github__create_issue(owner: str, repo: str, title: str, body?: str) [destructive?] - Create …`.
 *
 * Required arguments stand first and none is ever left out. A `~` says that something is: of a type where more is
 * written in the schema, or `~` alone for optional arguments that found no room.
 */
import { isObject, type JsonObject } from '../json/json.ts';
import { firstSentence } from './first-sentence.ts';
import { foreignLine, shortened, spelledOut } from './foreign-line.ts';
import { listAt, propertiesOf, requiredOf, resolved, typesOf } from './local-schema.ts';
import type { ToolClass } from './tool-class.ts';

export interface SignedTool {
  readonly name: string;
  readonly description: string;
  readonly inputSchema: JsonObject;
  readonly toolClass: ToolClass;
}

/** Room of one line, in characters. */
const MAX_ARGUMENTS = 140;
const MAX_SENTENCE = 90;
/** Beyond it required arguments have no types, and beyond the next one they are only counted. */
const MAX_TYPED = 320;
const MAX_NAMED = 600;
const MAX_ENUM = 6;
const MAX_ENUM_CHARACTERS = 80;

const SHORT_TYPES = new Map([
  ['string', 'str'],
  ['integer', 'int'],
  ['number', 'num'],
  ['boolean', 'bool'],
  ['object', 'obj'],
  ['array', 'list'],
  ['null', 'null'],
]);

export function signatureLine(tool: SignedTool): string {
  const told = shortened(foreignLine(firstSentence(tool.description)), MAX_SENTENCE).replace(/[.。]$/u, '');
  const line = `${tool.name}(${argumentsOf(tool.inputSchema)}) [${tool.toolClass}]`;
  return told === '' ? line : `${line} - ${told}`;
}

function argumentsOf(schema: JsonObject): string {
  const root = resolved(schema, schema);
  const types = new Map(propertiesOf(root));
  const required = [...new Set(requiredOf(root))];
  const wanted = required.map((name) => `${spelledOut(name)}: ${typeText(types.get(name), schema)}`);
  const parts = joined(wanted).length <= MAX_TYPED ? wanted : namesOnly(required);
  const optional = [...types.keys()].filter((name) => !required.includes(name));
  let room = MAX_ARGUMENTS - joined(parts).length;
  let isLossy = REFINING.some((keyword) => root[keyword] !== undefined);
  for (const name of optional) {
    const part = `${spelledOut(name)}?: ${typeText(types.get(name), schema)}`;
    room -= part.length + 2;
    if (room < 0) {
      isLossy = true;
      break;
    }
    parts.push(part);
  }
  if (isLossy) parts.push('~');
  return joined(parts);
}

/** Keywords that ask for more than the list of arguments says. */
const REFINING = [
  'anyOf',
  'oneOf',
  'allOf',
  'not',
  'if',
  'dependentRequired',
  'dependentSchemas',
  'patternProperties',
];

function joined(parts: readonly string[]): string {
  return parts.join(', ');
}

/** The names always; only a tool that wants hundreds gets them counted. */
function namesOnly(required: readonly string[]): string[] {
  const names: string[] = [];
  let length = 0;
  for (const [index, name] of required.entries()) {
    const part = `${spelledOut(name)}: ~`;
    length += part.length + 2;
    if (length > MAX_NAMED) return [...names, `~ and ${required.length - index} more that are required`];
    names.push(part);
  }
  return names;
}

/** @param depth of lists in lists. */
function typeText(schema: unknown, root: JsonObject, depth = 0): string {
  if (schema === true || schema === undefined) return 'any';
  const found = resolved(schema, root);
  const values = 'const' in found ? [found['const']] : listAt(found, 'enum');
  if (values.length > 0) return enumText(values);
  const branches = [...listAt(found, 'anyOf'), ...listAt(found, 'oneOf')];
  if (branches.length > 0) return unionText(branches, root, depth);
  const types = typesOf(found);
  if (types.length === 0) return isObject(found['properties']) ? 'obj~' : 'any';
  return [...new Set(types.map((type) => singleType(type, found, root, depth)))].join('|');
}

function singleType(type: string, schema: JsonObject, root: JsonObject, depth: number): string {
  if (type === 'array' && isObject(schema['items']) && depth < 2) {
    const item = typeText(schema['items'], root, depth + 1);
    return item === 'any' ? 'list' : /[|"]/.test(item) ? `(${item})[]` : `${item}[]`;
  }
  const short = SHORT_TYPES.get(type) ?? 'any';
  return type === 'object' && propertiesOf(schema).length > 0 ? `${short}~` : short;
}

function unionText(branches: readonly unknown[], root: JsonObject, depth: number): string {
  if (depth > 2) return 'any~';
  const texts = [...new Set(branches.slice(0, 8).map((branch) => typeText(branch, root, depth + 1)))];
  const text = texts.join('|');
  return texts.length > 4 || branches.length > 8 || text.length > MAX_ENUM_CHARACTERS ? 'any~' : text;
}

function enumText(values: readonly unknown[]): string {
  const shown: string[] = [];
  let length = 0;
  for (const value of values.slice(0, MAX_ENUM)) {
    const text = typeof value === 'string' ? quotedValue(value) : spelledOut(JSON.stringify(value) ?? 'null');
    length += text.length + 1;
    if (length > MAX_ENUM_CHARACTERS) break;
    shown.push(text);
  }
  const kind = typeof values[0] === 'string' ? 'str' : 'any';
  if (shown.length === 0) return `${kind}~`;
  return shown.join('|') + (shown.length < values.length ? '|~' : '');
}

function quotedValue(value: string): string {
  const text = spelledOut(value);
  return text.startsWith('"') ? text : `"${text}"`;
}
