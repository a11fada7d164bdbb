import { utf8 } from './wire.ts';

/**
 * A JSON value with the exact text it came in.
 *
 * Messages pass through the proxy as text: parsing and printing again would reorder integer-like keys,
 * round large integers and cost time. Whoever needs to look reads `value`; whoever needs to change
 * something edits the text at that place (`json-edit.ts`).
 */
export class Json {
  #text: string | undefined;
  #value: unknown;
  #parsed: boolean;
  #bytes: Buffer | undefined;

  private constructor(text: string | undefined, value: unknown, parsed: boolean) {
    this.#text = text;
    this.#value = value;
    this.#parsed = parsed;
  }

  /** The text must be valid JSON; it is parsed when first looked at. */
  static fromText(text: string): Json {
    return new Json(text, undefined, false);
  }

  /** A value already parsed from exactly this text. */
  static parsed(text: string, value: unknown): Json {
    return new Json(text, value, true);
  }

  /** A value of our own; printed when first sent. */
  static of(value: unknown): Json {
    return new Json(undefined, value, true);
  }

  get text(): string {
    return (this.#text ??= JSON.stringify(this.#value) ?? 'null');
  }

  /** The text in UTF-8; kept, as some are sent again and again. */
  get bytes(): Buffer {
    return (this.#bytes ??= utf8(this.text));
  }

  /** Never to be changed in place: others hold the same value. */
  get value(): unknown {
    if (!this.#parsed) {
      this.#value = JSON.parse(this.text);
      this.#parsed = true;
    }
    return this.#value;
  }

  /** The value if it is an object, else `undefined`. */
  get object(): JsonObject | undefined {
    const value = this.value;
    return isObject(value) ? value : undefined;
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
  let current = value;
  for (const key of path) {
    if (!isObject(current) || !Object.hasOwn(current, key)) return undefined;
    current = current[key];
  }
  return current;
}

/** The same text whatever the order of keys: for comparing, and for keys of our own. */
export function sortedText(value: unknown): string {
  return (
    JSON.stringify(value, (_key, part: unknown) =>
      isObject(part) ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1))) : part,
    ) ?? 'null'
  );
}

/** Whether a parsed value has more levels of objects and arrays than this. */
export function nestsDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (levels === 0) return true;
  if (Array.isArray(value)) return value.some((element) => nestsDeeper(element, levels - 1));
  for (const key in value) if (nestsDeeper((value as JsonObject)[key], levels - 1)) return true;
  return false;
}

export const EMPTY_OBJECT: Json = Json.parsed('{}', {});
