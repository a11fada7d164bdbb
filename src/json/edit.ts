/**
 * Finding and replacing parts of a JSON text without printing the rest anew.
 *
 * The text is valid JSON: the boundary has parsed the message, or read it over (`scan.ts`), before anything is spliced.
 * Finding also works on text that is damaged, as far as the damage allows.
 */
import {
  CLOSE_ARRAY,
  CLOSE_OBJECT,
  COLON,
  COMMA,
  looseStringEnd,
  looseValueEnd,
  OPEN_ARRAY,
  OPEN_OBJECT,
  QUOTE,
  skipSpace,
} from './reader.ts';

/** The place of a member's value in the text: `[start, end)`. */
export interface Span {
  readonly key: string;
  readonly start: number;
  readonly end: number;
}

/**
 * Finds the members of the object that is the whole text, in order, duplicates included; keys are unescaped.
 *
 * Safe on text that is not JSON: the function ends, and the spans then mean nothing.
 *
 * @returns `undefined` where the text is no object, or nests deeper than `maxDepth`.
 */
export function objectMembers(text: string, maxDepth = Infinity): Span[] | undefined {
  let i = skipSpace(text, 0);
  if (text.charCodeAt(i) !== OPEN_OBJECT) return undefined;
  const members: Span[] = [];
  i = skipSpace(text, i + 1);
  while (text.charCodeAt(i) === QUOTE) {
    const keyEnd = looseStringEnd(text, i);
    const key = unquote(text, i, keyEnd);
    i = skipSpace(text, keyEnd);
    if (text.charCodeAt(i) !== COLON) return members;
    const start = skipSpace(text, i + 1);
    const end = looseValueEnd(text, start, maxDepth - 1);
    if (end < 0) return undefined;
    members.push({ key, start, end });
    i = skipSpace(text, end);
    if (text.charCodeAt(i) !== COMMA) return members;
    i = skipSpace(text, i + 1);
  }
  return members;
}

/** The elements of the array that is the whole text, no more than `most`; the key is the index. */
export function elementsOf(text: string, most = Infinity): Span[] | undefined {
  let i = skipSpace(text, 0);
  if (text.charCodeAt(i) !== OPEN_ARRAY) return undefined;
  const elements: Span[] = [];
  i = skipSpace(text, i + 1);
  while (i < text.length && text.charCodeAt(i) !== CLOSE_ARRAY && elements.length < most) {
    const end = looseValueEnd(text, i, Infinity);
    elements.push({ key: String(elements.length), start: i, end });
    i = skipSpace(text, end);
    if (text.charCodeAt(i) !== COMMA) return elements;
    i = skipSpace(text, i + 1);
  }
  return elements;
}

/** The texts of an array's elements, of no more than `most`. */
export function elementTexts(text: string, most = Infinity): string[] {
  return (elementsOf(text, most) ?? []).map(({ start, end }) => text.slice(start, end));
}

/** The text of one member of an object; the last one where a key stands twice, as `JSON.parse` has it. */
export function memberText(text: string, key: string): string | undefined {
  const span = objectMembers(text)?.findLast((member) => member.key === key);
  return span && text.slice(span.start, span.end);
}

/** The text of the value that a path leads to. */
export function textAt(text: string, path: JsonPath): string | undefined {
  const [step, ...rest] = path;
  if (step === undefined) return text;
  const span = spanAt(text, step);
  return span && textAt(text.slice(span.start, span.end), rest);
}

/** New values by key, as JSON text; `undefined` removes the member. A key that is not there is appended. */
export type Edits = Readonly<Record<string, string | undefined>>;

/** The object text with some members replaced, removed or appended; everything else stays as it was. */
export function editObject(text: string, edits: Edits): string {
  const keys = Object.keys(edits);
  const seen: string[] = [];
  let edited = '';
  const add = (part: string): void => void (edited += edited === '' ? part : `,${part}`);
  let from = text.indexOf('{') + 1;
  for (const { key, start, end } of objectMembers(text) ?? []) {
    // Text between the members (white space, the key itself) is kept where the member is kept.
    if (!keys.includes(key)) add(text.slice(from, end));
    else if (!seen.includes(key)) {
      seen.push(key);
      const value = edits[key];
      if (value !== undefined) add(text.slice(from, start) + value);
    }
    from = skipSpace(text, end) + 1;
  }
  for (const key of keys) {
    const value = edits[key];
    if (value !== undefined && !seen.includes(key)) add(`${JSON.stringify(key)}:${value}`);
  }
  return `{${edited}}`;
}

/**
 * `editObject` for the member that most objects begin with, if it has the value `before`. Most texts show at a glance
 * that the key stands there and nowhere else; the others are read to their end.
 */
export function editFirst(text: string, key: string, before: string, after: string): string {
  const found = `{"${key}":${before}`;
  const alone =
    text.startsWith(found) &&
    // An escape may spell the same key in another way.
    !text.includes('\\u', found.length) &&
    !text.includes(`"${key}"`, found.length);
  return alone ? `{"${key}":${after}${text.slice(found.length)}` : editObject(text, { [key]: after });
}

/** A path of object keys and array indexes. */
export type JsonPath = readonly (string | number)[];

/** The text with the value at `path` replaced by the text that `edit` makes of it; unchanged where the path leads nowhere. */
export function editAt(text: string, path: JsonPath, edit: (found: string) => string): string {
  const [step, ...rest] = path;
  if (step === undefined) return edit(text);
  const span = spanAt(text, step);
  if (!span) return text;
  const inner = editAt(text.slice(span.start, span.end), rest, edit);
  return text.slice(0, span.start) + inner + text.slice(span.end);
}

/** The array text with some elements replaced, in one pass however many they are; by index. */
export function editElements(text: string, edits: ReadonlyMap<number, (found: string) => string>): string {
  let edited = '';
  let from = 0;
  for (const [index, { start, end }] of (elementsOf(text) ?? []).entries()) {
    const edit = edits.get(index);
    if (!edit) continue;
    edited += text.slice(from, start) + edit(text.slice(start, end));
    from = end;
  }
  return edited + text.slice(from);
}

function spanAt(text: string, step: string | number): Span | undefined {
  const spans = typeof step === 'number' ? elementsOf(text) : objectMembers(text);
  return spans?.findLast(({ key }) => key === String(step));
}

function unquote(text: string, start: number, end: number): string {
  const inner = text.slice(start + 1, end - 1);
  if (!inner.includes('\\')) return inner;
  try {
    return JSON.parse(text.slice(start, end)) as string;
  } catch {
    // The text is not JSON, which the parser at the boundary will report. The spelling serves as the key here.
    return inner;
  }
}

/**
 * Counts the values (elements and members, at any depth) until there are more than `most`. Many tiny values take far
 * longer to parse than their bytes tell.
 */
export function holdsMoreValues(text: string, most: number): boolean {
  // Every value but the first takes two characters at least.
  if (text.length < 2 * most) return false;
  let values = 1;
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c === QUOTE) i = looseStringEnd(text, i) - 1;
    else if (c === COMMA) values++;
    else if (c === OPEN_OBJECT || c === OPEN_ARRAY) {
      const next = text.charCodeAt(skipSpace(text, i + 1));
      if (next !== CLOSE_OBJECT && next !== CLOSE_ARRAY) values++;
    } else continue;
    if (values > most) return true;
  }
  return false;
}
