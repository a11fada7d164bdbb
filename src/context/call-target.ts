/**
 * What a call of `call_read`, `call_write` or `call_destructive` means: the call of the tool that it names.
 *
 * Whatever is not exactly a name and arguments is refused with how it should be: a guess could reach another tool.
 */
import { nearestNames } from '../catalog/names/nearest-names.ts';
import { listed } from '../core/nearest.ts';
import { editObject, memberText } from '../json/edit.ts';
import { parseExact, printExact } from '../json/exact-json.ts';
import { at, isObject, type Json, type JsonObject } from '../json/json.ts';
import { propertiesOf } from '../search/local-schema.ts';
import type { KnownTool } from './known-tools.ts';

export interface CallRequest {
  readonly tool: string;
  /** The arguments' JSON, where they came as a text of JSON. */
  readonly argsText: string | undefined;
  readonly args: JsonObject;
}

const FORM = 'Give { "tool": "NAME", "args": { … } }';

/** @returns a sentence that says what is wrong where it is no call. */
export function readCall(params: Json): CallRequest | string {
  const given = at(params.brief, 'arguments');
  if (!isObject(given)) return `${FORM}.`;
  const { tool, args, ...rest } = given;
  if (typeof tool !== 'string' || tool === '')
    return `"tool" is missing, the name of the tool to call. ${FORM}.`;
  const [stray] = Object.keys(rest);
  if (stray !== undefined)
    return `"${stray.slice(0, 60)}" does not belong beside "tool": the tool's own arguments go into "args". ${FORM}.`;
  if (args === undefined) return { tool, args: {}, argsText: undefined };
  if (isObject(args)) return { tool, args, argsText: undefined };
  if (typeof args !== 'string') return `"args" has to be an object. ${FORM}.`;
  const whole = params.at('arguments', 'args');
  const parsed = fromText(typeof whole === 'string' ? whole : args);
  if (!parsed) return `"args" has to be an object, not a text. ${FORM}.`;
  return { tool, args: parsed, argsText: printExact(parsed) };
}

/** The name or the arguments stand one level too deep: then `args` is no set of arguments of the tool. */
export function isNested({ args }: CallRequest, { inputSchema }: KnownTool): boolean {
  const keys = Object.keys(args);
  const declared = new Set(propertiesOf(inputSchema).map(([name]) => name));
  const named = keys.find((key) => (key === 'tool' || key === 'name') && typeof args[key] === 'string');
  const inner = keys.find((key) => key === 'args' || key === 'arguments');
  return named !== undefined && inner !== undefined && !declared.has(named) && !declared.has(inner);
}

/** The params of a call of the tool itself; `_meta` and whatever else they hold stay. */
export function targetParams(params: Json, { tool, argsText }: CallRequest): Json {
  return params.edit((text) => {
    const args = argsText ?? memberText(memberText(text, 'arguments') ?? '{}', 'args') ?? '{}';
    return editObject(text, { name: JSON.stringify(tool), arguments: args });
  });
}

/** Who asked with another spelling is told the right ones. */
export function unknownTool(name: string, names: Iterable<string>): string {
  const all = [...names];
  const shown = name.slice(0, 120);
  const ending = all.filter((one) => one.endsWith(`__${name}`) || (name.endsWith(one) && name !== one));
  const near = [...new Set([...ending, ...nearestNames(name, all, 3)])].slice(0, 3);
  const meant = near.length === 0 ? '' : ` Names are spelt exactly; near it: ${listed(near)}.`;
  return `There is no tool "${shown}".${meant} find_tools finds the name of a tool.`;
}

function fromText(text: string): JsonObject | undefined {
  try {
    const parsed: unknown = parseExact(text);
    return isObject(parsed) ? parsed : undefined;
  } catch {
    return undefined;
  }
}
