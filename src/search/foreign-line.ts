/**
 * Text of a server, made fit to stand within a line of ours that a model reads.
 *
 * Such a text must not be able to look like something that we say: it ends no line, marks no class, and names no tool as
 * we write it.
 */

const HIDDEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Variation_Selector}\u115f\u1160\u3164\uffa0]|\p{Cs}/gu;
/** Brackets of other scripts that a model reads as ours. */
const OPENING = /[[\u2045\u27e6\u3010\u3014\u3016\u301a\uff3b]/gu;
const CLOSING = /[\]\u2046\u27e7\u3011\u3015\u3017\u301b\uff3d]/gu;

/** One line, with nothing hidden, no square brackets, and no `server__tool`. */
export function foreignLine(text: string): string {
  return text
    .normalize('NFC')
    .replaceAll(/\s+/gu, ' ')
    .replaceAll(HIDDEN, '')
    .replaceAll(OPENING, '(')
    .replaceAll(CLOSING, ')')
    .replaceAll(/_{2,}/g, '_')
    .trim();
}

/** At most so many characters, cut between words where that loses little. */
export function shortened(text: string, most: number): string {
  if (text.length <= most) return text;
  const room = text.slice(0, most - 1);
  const space = room.lastIndexOf(' ');
  const cut = space > most * 0.6 ? room.slice(0, space) : room.replace(/[\ud800-\udbff]$/u, '');
  return `${cut.replace(/[\s,;:.-]+$/u, '')}…`;
}

/** A name or value in its exact spelling, as JSON where it is more than a plain word. */
export function spelledOut(word: string): string {
  if (/^[\p{L}\p{N}$@_.:/+-]{1,64}$/u.test(word)) return word;
  return JSON.stringify(word).replaceAll(
    /[^ -Z\\^-~\p{L}\p{N}]/gu,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
