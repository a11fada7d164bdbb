/** The first sentence of a description that says something. */

/** A longer one is no sentence but a text without full stops. */
const MAX_SENTENCE = 400;

/** Words whose full stop ends no sentence. */
const ABBREVIATIONS = new Set(
  (
    'e.g i.e eg ie etc vs cf approx ca resp incl excl no nos nr st dr mr mrs ms prof inc ltd co corp dept est fig figs ' +
    'eq sec ch vol pp p ed al jan feb mar apr jun jul aug sep sept oct nov dec min max avg num arg args param params ' +
    'dir ext ver v a.k.a u.s u.k a.m p.m bzw z.b d.h usw ggf'
  ).split(' '),
);
/** Openings that only call for attention. */
const EMPTY_OPENING =
  /^(?:[*_#>\s-]*(?:important|note|warning|caution|attention|deprecated|tip|hint|info|nb|notice)\b[*_]*\s*[:!.–—-]+\s*)+/iu;
/** Markup of a heading or list, and what stands in front of a first line for looks. */
const ORNAMENT = /^(?:[#>*•\-–—=_~`|\s]|\p{Extended_Pictographic}|\ufe0f)+/u;

/** Of a text in one line or several; `''` where there is none. Never cut within a sentence, but for endless ones. */
export function firstSentence(text: string): string {
  const [paragraph = ''] = text
    .slice(0, 4000)
    .split(/\n\s*\n|\n(?=\s*(?:[-*•#]|\d+[.)])\s)/u)
    .map(cleaned)
    .filter((part) => /\p{L}{2}/u.test(part));
  const sentence = paragraph.slice(0, sentenceEnd(paragraph)).trim();
  return sentence.length <= MAX_SENTENCE ? sentence : `${atWord(sentence.slice(0, MAX_SENTENCE - 1))}…`;
}

function cleaned(part: string): string {
  const plain = part
    .replaceAll(/<\/?[a-z][\w-]*\s*\/?>/giu, ' ')
    .replaceAll(/\*\*|__(?=\s|$)/gu, '')
    .replaceAll(/\s+/gu, ' ')
    .replace(ORNAMENT, '')
    .trim();
  const told = plain.replace(EMPTY_OPENING, '').trim();
  return told === '' ? plain : told;
}

/** @returns where the first sentence ends, its mark included. */
function sentenceEnd(text: string): number {
  for (const match of text.matchAll(/[。！？｡]|[.!?…]+["'”’)\]]*(?=\s|$)|[.!?](?=\p{Lu}\p{Ll}+ )/gu)) {
    const end = match.index + match[0].length;
    const rest = text.slice(end).trimStart();
    if (rest === '') return end;
    if (!/\p{L}{2}/u.test(text.slice(0, match.index))) continue;
    if (match[0].startsWith('.') && !isSentenceStop(text.slice(0, match.index), rest)) continue;
    return end;
  }
  return text.length;
}

function isSentenceStop(before: string, rest: string): boolean {
  const word = /[\p{L}\p{N}.]*$/u.exec(before)?.[0] ?? '';
  if (ABBREVIATIONS.has(word.toLowerCase())) return /^etc$/iu.test(word) && /^\p{Lu}/u.test(rest);
  // An initial, or the number of a list or a heading.
  if (/^\p{Lu}$/u.test(word) || /^\d{1,2}$/u.test(word))
    return !/^[\p{L}\p{N}]/u.test(rest) && word.length > 1;
  return !/^\p{Ll}/u.test(rest);
}

function atWord(text: string): string {
  const space = text.lastIndexOf(' ');
  return space > MAX_SENTENCE / 2 ? text.slice(0, space) : text.replace(/[\ud800-\udbff]$/u, '');
}
