/**
 * Characters that people do not see but a model or a terminal obeys: terminal escapes, zero-width and bidi
 * controls, the invisible "tag" letters.
 */

/** Controls, line and paragraph separators, bidi marks and overrides: never part of a name. */
const FORBIDDEN_IN_NAMES = /[\p{Cc}\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/u;

/** As above but for line breaks and tabs, which text may hold; with the zero-width and the tag characters. */
const HIDDEN =
  // A joiner after a pictograph is how emoji are put together.
  /(?![\t\n\r])[\p{Cc}\u061c\u200b\u200c\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff\u{e0000}-\u{e007f}]|(?<![\p{Extended_Pictographic}\p{Emoji_Modifier}\ufe0f])\u200d/u;

/** All of them are outside of ASCII's visible part, or spelt as an escape in JSON: a quick sieve before the search. */
const SIEVE = /[^\t\n\r -~]|\\u/;

export function hasForbiddenNameCharacter(name: string): boolean {
  return FORBIDDEN_IN_NAMES.test(name);
}

/** The first hidden character anywhere in a JSON value's keys and strings, as `U+200B`. */
export function hiddenCharacterIn(text: string, value: unknown): string | undefined {
  return SIEVE.test(text) ? findIn(value) : undefined;
}

/** A name fit for a log line: cut short, with nothing hidden in it. */
export function printableName(name: string): string {
  const short = name.length > 80 ? `${name.slice(0, 79)}…` : name;
  return Array.from(short, (character) =>
    FORBIDDEN_IN_NAMES.test(character) || HIDDEN.test(character) ? `\\u{${hex(character)}}` : character,
  ).join('');
}

function findIn(value: unknown): string | undefined {
  if (typeof value === 'string') {
    const found = HIDDEN.exec(value)?.[0];
    return found && `U+${hex(found).toUpperCase().padStart(4, '0')}`;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  for (const [key, inner] of Object.entries(value)) {
    const found = findIn(key) ?? findIn(inner);
    if (found) return found;
  }
  return undefined;
}

function hex(character: string): string {
  return (character.codePointAt(0) ?? 0).toString(16);
}
