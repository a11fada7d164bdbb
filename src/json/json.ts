import { type Elided, hasElision } from './elided.ts';
import { mayRound, parseExact, printExact } from './exact-json.ts';
import { type JsonPath, textAt } from './edit.ts';
import { NOWHERE } from './reader.ts';
import { lastOffset, type MemberOffsets } from './scan.ts';
import { bytesOf, isLong, type EncodedMessage } from './message-text.ts';

/**
 * A JSON value with the exact text it came in.
 *
 * Messages pass through the proxy as text: parsing and printing again would reorder integer-like keys,
 * round large integers and cost time. Code that looks at a value reads `value`; code that changes
 * something edits the text at that place (`edit.ts`).
 *
 * A long value is first held in its elided form (`elided.ts`). `text` and `value` restore the whole, which is expensive;
 * `at`, `textAt`, `brief`, `edit` and `wire` avoid that wherever possible, and are as exact.
 */
export class Json {
  #text: string | undefined;
  #value: unknown;
  #parsed: boolean;
  #bytes: Buffer | undefined;
  readonly #elided: Elided | undefined;
  readonly #places: MemberOffsets | undefined;

  private constructor(
    text: string | undefined,
    value: unknown,
    parsed: boolean,
    elided?: Elided,
    places?: MemberOffsets,
  ) {
    this.#text = text;
    this.#value = value;
    this.#parsed = parsed;
    this.#elided = elided;
    this.#places = places;
  }

  /** The text must be valid JSON. It is parsed on first access to `value`. */
  static fromText(text: string): Json {
    return new Json(text, undefined, false);
  }

  /** A value already parsed from exactly this text. */
  static parsed(text: string, value: unknown): Json {
    return new Json(text, value, true);
  }

  /** The text of an object whose member offsets are known. */
  static scanned(text: string, places: MemberOffsets): Json {
    return new Json(text, undefined, false, undefined, places);
  }

  static elided(elided: Elided): Json {
    return elided.marked ? new Json(undefined, undefined, false, elided) : Json.fromText(elided.text);
  }

  /** A value made by the proxy, printed when it is first sent. */
  static of(value: unknown): Json {
    return new Json(undefined, value, true);
  }

  /** A value made by the proxy whose `value` reads as if it had been received as text. */
  static ofExact(value: unknown): Json {
    const json = Json.of(value);
    return mayRound(json.text) ? Json.fromText(json.text) : json;
  }

  get text(): string {
    return (this.#text ??= this.#elided?.whole ?? printExact(this.#value) ?? 'null');
  }

  /** The text in UTF-8. The bytes are kept because some values are sent again and again. */
  get bytes(): Buffer {
    return (this.#bytes ??= bytesOf(this.#elided?.wire ?? this.text));
  }

  /** The message for sending, in parts if it is long. */
  get wire(): EncodedMessage {
    return this.#elided?.wire ?? (isLong(this.text) ? [this.bytes] : this.text);
  }

  /** The length of the text in characters; of a long one in about as many bytes. */
  get length(): number {
    return this.#elided?.length ?? this.text.length;
  }

  /** The parsed value. Others hold the same object: never change it in place. */
  get value(): unknown {
    if (!this.#parsed) {
      this.#value = JSON.parse(this.text);
      this.#parsed = true;
    }
    return this.#value;
  }

  /** The value as a source for other values: numbers keep their notation (`exact-json.ts`). */
  get exact(): unknown {
    if (this.#text === undefined && !this.#elided) return this.#value;
    return mayRound(this.text) ? parseExact(this.text) : this.value;
  }

  /** The value, possibly with marks in the place of long strings. */
  get brief(): unknown {
    return this.#elided ? this.#elided.value : this.value;
  }

  /** The offsets of this object's members in `text`; mostly unknown unless the value was received as a message. */
  get places(): MemberOffsets | undefined {
    return this.#places;
  }

  /** The text that `edit` would change. */
  get briefText(): string {
    return this.#elided?.text ?? this.text;
  }

  /** An own property of this object, or of an object within; `undefined` if there is none. */
  at(...path: readonly string[]): unknown {
    if (this.#places && !this.#parsed && path.length > 0) {
      const plain = plainValue(this.text, this.#places, path[0] as string);
      if (plain !== NOT_PLAIN) return path.length === 1 ? plain : undefined;
    }
    const found = within(this.brief, path);
    return this.#elided && hasElision(found) ? within(this.value, path) : found;
  }

  /** An own string property of this object. */
  stringAt(key: string): string | undefined {
    const found = this.at(key);
    return typeof found === 'string' ? found : undefined;
  }

  /** The text of the value that a path leads to. */
  textAt(...path: JsonPath): string | undefined {
    if (!this.#elided) return textAt(this.text, path);
    const found = textAt(this.#elided.text, path);
    return found === undefined ? undefined : this.#elided.with(found).whole;
  }

  /**
   * Applies `change` to the text, which may be an elided one: the function may move whole values only, and may insert
   * only JSON as received or as `JSON.stringify` prints it.
   */
  edit(change: (text: string) => string): Json {
    const before = this.briefText;
    const text = change(before);
    if (text === before) return this;
    return this.#elided ? Json.elided(this.#elided.with(text)) : Json.fromText(text);
  }

  /** The value if it is an object, else `undefined`. */
  get object(): JsonObject | undefined {
    const value = this.value;
    return isObject(value) ? value : undefined;
  }
}

const NOT_PLAIN = Symbol('not plain');

/** Reads a member without a parser: a string without escapes, or a word. `NOT_PLAIN` for anything else. */
function plainValue(text: string, places: MemberOffsets, key: string): unknown {
  const place = lastOffset(text, places, key);
  if (place === NOWHERE) return undefined;
  const start = places[place + 2] as number;
  switch (text.charAt(start)) {
    case '"': {
      const string = text.slice(start + 1, (places[place + 3] as number) - 1);
      return string.includes('\\') ? NOT_PLAIN : string;
    }
    case 't':
      return true;
    case 'f':
      return false;
    case 'n':
      return null;
    default:
      return NOT_PLAIN;
  }
}

export type JsonObject = Readonly<Record<string, unknown>>;

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** An own string property, or `undefined`: never one of `Object.prototype`. */
export function stringAt(value: unknown, key: string): string | undefined {
  const found = isObject(value) && Object.hasOwn(value, key) ? value[key] : undefined;
  return typeof found === 'string' ? found : undefined;
}

/** An own property of an object, or `undefined`. */
export function at(value: unknown, ...path: readonly string[]): unknown {
  return within(value, path);
}

function within(value: unknown, path: readonly string[]): unknown {
  let current = value;
  for (const key of path) {
    if (!isObject(current) || !Object.hasOwn(current, key)) return undefined;
    current = current[key];
  }
  return current;
}

/** Printable ASCII without what has to be escaped. */
const PLAIN = /^[ !#-[\]-~]*$/;

/** Prints a string as `JSON.stringify` does, faster for common text. */
export function quoted(text: string): string {
  return PLAIN.test(text) ? `"${text}"` : JSON.stringify(text);
}

/** Prints with sorted keys, for comparisons and for keys of our own. */
export function sortedText(value: unknown): string {
  return (
    JSON.stringify(value, (_key, part: unknown) =>
      isObject(part) ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1))) : part,
    ) ?? 'null'
  );
}

export const EMPTY_OBJECT: Json = Json.parsed('{}', {});
