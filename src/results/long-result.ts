/**
 * Takes the long text out of a tool's result: what is kept, and what the client gets in its place.
 *
 * Pictures, sound and other parts stay. Errors and questions are never shortened: whoever calls sees to that.
 */
import { isObject, type JsonObject } from '../json/json.ts';
import type { NewPart, TextKind } from './held-results.ts';
import { previewOf } from './preview.ts';

export interface LongResultOptions {
  /** A result of more tokens of text is shortened. */
  readonly maxTokens: number;
  readonly estimate: (text: string) => number;
  /** Is the client shown the tool's `outputSchema`? Then its structured content has to be whole. */
  readonly isStructureShown: boolean;
  /** The structured content as it came, where that is known. */
  readonly structureText?: string | undefined;
}

export interface TakenApart {
  readonly parts: readonly NewPart[];
  /** @returns the result that the client gets, once the handle is known. */
  readonly shortened: (handle: string) => JsonObject;
}

/** The budget's part that is spent on showing the beginning. */
const SHOWN_PART = 1 / 5;
const MAX_OTHER_BLOCKS = 100;

/** @returns `undefined` where the result is short enough, or must not be shortened. */
export function takeApart(result: JsonObject, options: LongResultOptions): TakenApart | undefined {
  if (result['isError'] === true) return undefined;
  const { structuredContent } = result;
  if (structuredContent !== undefined && options.isStructureShown) return undefined;
  const blocks = Array.isArray(result['content']) ? (result['content'] as unknown[]) : [];
  const texts = blocks.flatMap((block) => textOf(block) ?? []);
  const text = texts.join('\n');
  const structure =
    structuredContent === undefined
      ? undefined
      : (options.structureText ?? JSON.stringify(structuredContent));
  const total = text.length + (structure?.length ?? 0);
  // Every token has at least one character.
  if (
    total <= options.maxTokens ||
    options.estimate(text) + options.estimate(structure ?? '') <= options.maxTokens
  )
    return undefined;

  const sources = [
    ...(texts.length > 0 ? [source('text', text)] : []),
    ...(structure !== undefined && !isSameJson(text, structuredContent)
      ? [source('structured content', structure)]
      : []),
  ];
  const budget = Math.floor((options.maxTokens * SHOWN_PART) / sources.length);
  const previews = sources.map((one) => previewOf(one, { budget, estimate: options.estimate }));
  const others = blocks.filter((block) => textOf(block) === undefined).slice(0, MAX_OTHER_BLOCKS);
  return {
    parts: sources,
    shortened: (handle) => {
      const { structuredContent: _kept, ...rest } = result;
      const told = sources.map((one, index) =>
        introduced(one, previews[index] ?? '', partName(handle, index)),
      );
      return { ...rest, content: [...told.map((part) => ({ type: 'text', text: part })), ...others] };
    },
  };
}

/** What a client asks for to read the part: the handle, and from the second part on its number. */
function partName(handle: string, index: number): string {
  return index === 0 ? handle : `${handle}.${index + 1}`;
}

/** @returns the handle and the place of the part. */
export function parsePartName(name: string): { readonly handle: string; readonly index: number } {
  const [handle = '', number] = name.trim().split('.', 2);
  const index = number === undefined ? 0 : /^[1-9]\d?$/.test(number) ? Number(number) - 1 : -1;
  return { handle, index };
}

interface Source extends NewPart {
  readonly value: unknown;
}

function source(label: string, text: string): Source {
  const value = jsonValue(text);
  const kind: TextKind = value === undefined ? 'text' : 'json';
  return { kind, label, bytes: Buffer.from(text), value };
}

/** Only lists and objects count as JSON: they have something to go through. */
function jsonValue(text: string): object | undefined {
  if (!/^\s*[[{]/.test(text)) return undefined;
  try {
    return JSON.parse(text) as object;
  } catch {
    return undefined;
  }
}

function introduced({ kind, label, bytes }: Source, preview: string, name: string): string {
  const size = `${bytes.length.toLocaleString('en-US')} bytes`;
  const ways =
    kind === 'json'
      ? `read_result { "result": "${name}" } gives pages, with "pointer" a part, with "find" places of a text, with "cel" what an expression over \`value\` makes of it`
      : `read_result { "result": "${name}" } gives pages, with "find" places of a text`;
  return `[The ${label} is long (${size} of ${kind === 'json' ? 'JSON' : 'text'}) and kept whole as "${name}". ${ways}. The tool is not called again.]\n${preview}`;
}

function textOf(block: unknown): string | undefined {
  if (!isObject(block)) return undefined;
  if (block['type'] === 'text') return typeof block['text'] === 'string' ? block['text'] : undefined;
  if (block['type'] !== 'resource' || !isObject(block['resource'])) return undefined;
  const { text } = block['resource'];
  return typeof text === 'string' ? text : undefined;
}

/** Many servers say the same twice. */
function isSameJson(text: string, structure: unknown): boolean {
  const value = jsonValue(text);
  return value !== undefined && isSame(value, structure);
}

function isSame(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const [keys, others] = [Object.keys(a), Object.keys(b)];
  return (
    keys.length === others.length &&
    keys.every((key) => Object.hasOwn(b, key) && isSame((a as JsonObject)[key], (b as JsonObject)[key]))
  );
}
