/**
 * A long JSON text without its long strings: in the place of each stands a mark, and its bytes stand beside.
 *
 * The proxy reads and changes short things in a message: names, ids, flags, `_meta`. Long strings only pass. So the
 * proxy reads, searches, cuts and splices the short text that is left, and marks move where their strings would. When
 * the message is sent, the received bytes take the marks' places. They are never decoded, parsed or encoded.
 *
 * A mark is a JSON string: the second half of a surrogate pair without its first, and a number. Text that
 * was received as UTF-8 has no such half behind a quote, and `JSON.stringify` escapes them; so nothing else can be taken
 * for a mark, whatever is spliced in.
 */
import { lengthOf, textOf, type EncodedMessage } from './message-text.ts';

/** The shortest string, in bytes, that is taken out: no name, key or flag that the proxy knows is as long. */
export const LONG_STRING = 1024;

/** A JSON message as received: its text, or the elided form of a long one. */
export type MessageText = string | Elided;

/** The first character of a mark. */
const HALF = '\uDC00';
const QUOTED_HALF = `"${HALF}`;

export class Elided {
  /** The text is valid JSON exactly if the whole text is. */
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

  /** The elided form of a part of the text, or of an edited text. */
  with(text: string, value?: unknown): Elided {
    return new Elided(text, this.#strings, value);
  }

  /** The parsed value, with marks in the place of long strings. */
  get value(): unknown {
    return (this.#value ??= JSON.parse(this.text));
  }

  /** The whole message for sending: text, and the received UTF-8 bytes of long strings. */
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

  /** `true` if at least one string was taken out. */
  get marked(): boolean {
    return this.text.includes(QUOTED_HALF);
  }

  /** The whole as a text. */
  get whole(): string {
    return this.marked ? textOf(this.wire) : this.text;
  }

  /** The length of the whole message, in about as many bytes. */
  get length(): number {
    return lengthOf(this.wire);
  }
}

/** The mark for the string with this index, without its quotes. */
export function elisionMark(index: number): string {
  return HALF + String(index);
}

/** @returns whether a part of a parsed elided text may hold a mark; a strange string of the sender's looks the same. */
export function hasElision(part: unknown): boolean {
  if (typeof part === 'string') return part.startsWith(HALF);
  if (typeof part !== 'object' || part === null) return false;
  if (Array.isArray(part)) return part.some(hasElision);
  return Object.entries(part).some(([key, value]) => hasElision(key) || hasElision(value));
}

export function wholeText(text: MessageText): string {
  return typeof text === 'string' ? text : text.whole;
}
