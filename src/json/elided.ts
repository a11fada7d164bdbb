/**
 * A long JSON text without its long strings: in the place of each stands a mark, and its bytes stand beside.
 *
 * What the proxy asks of a message, and what it changes in one, is short: names, ids, flags, `_meta`. Long strings only
 * pass. So what holds them is read, searched, cut and spliced as the short text that is left of it, the marks moving
 * where their strings would; and when it leaves, the bytes that came take the marks' places. Nothing of them is ever
 * decoded, parsed or encoded.
 *
 * A mark is a JSON string: the second half of a surrogate pair without its first, and a number. In text that came as
 * UTF-8 no such half stands behind a quote, and `JSON.stringify` escapes them; so nothing can be taken for a mark that is
 * none, whatever is spliced in.
 */
import { lengthOf, textOf, type EncodedMessage } from './message-text.ts';

/** Strings shorter than so many bytes are never taken out: no name, key or flag that the proxy knows is as long. */
export const LONG_STRING = 1024;

/** A JSON message as it came: its text, or what stands for a long one. */
export type MessageText = string | Elided;

/** What a mark begins with. */
const HALF = '\uDC00';
const QUOTED_HALF = `"${HALF}`;

export class Elided {
  /** Valid JSON wherever the whole text is, and the other way round. */
  readonly text: string;
  /** The bytes between the quotes of every string that was taken out, in pieces that may end within a character. */
  readonly #strings: readonly (readonly Buffer[])[];

  #value: unknown;

  /** @param value what was parsed from exactly this text, if it was. */
  constructor(text: string, strings: readonly (readonly Buffer[])[], value?: unknown) {
    this.text = text;
    this.#strings = strings;
    this.#value = value;
  }

  /** What stands for a part of the text, or for an edit of it. */
  with(text: string, value?: unknown): Elided {
    return new Elided(text, this.#strings, value);
  }

  /** Parsed, with the marks. */
  get value(): unknown {
    return (this.#value ??= JSON.parse(this.text));
  }

  /** The whole as it leaves: text, and bytes in UTF-8 as they came. */
  get wire(): Exclude<EncodedMessage, string> {
    const parts: (string | Buffer)[] = [];
    let from = 0;
    for (;;) {
      const quote = this.text.indexOf(QUOTED_HALF, from);
      if (quote < 0) break;
      const at = quote + 1;
      const end = this.text.indexOf('"', at);
      parts.push(this.text.slice(from, at), ...(this.#strings[Number(this.text.slice(at + 1, end))] ?? []));
      from = end;
    }
    parts.push(this.text.slice(from));
    return parts;
  }

  /** Whether anything was taken out of it. */
  get marked(): boolean {
    return this.text.includes(QUOTED_HALF);
  }

  /** The whole as a text. */
  get whole(): string {
    return this.marked ? textOf(this.wire) : this.text;
  }

  /** How long the whole is: about so many bytes. */
  get length(): number {
    return lengthOf(this.wire);
  }
}

/** The mark for the string with this index, without its quotes. */
export function elisionMark(index: number): string {
  return HALF + String(index);
}

/** Whether a mark stands in this part of what was parsed from an elided text. It may also be an odd string that came. */
export function hasElision(part: unknown): boolean {
  if (typeof part === 'string') return part.startsWith(HALF);
  if (typeof part !== 'object' || part === null) return false;
  if (Array.isArray(part)) return part.some(hasElision);
  return Object.entries(part).some(([key, value]) => hasElision(key) || hasElision(value));
}

export function wholeText(text: MessageText): string {
  return typeof text === 'string' ? text : text.whole;
}
