/**
 * Splits names and sentences into the words by which tools are searched.
 *
 * Tool names come as `create_issue`, `getAllSpecs`, `get-sum`, `resolve-library-id` or `HTTPRequest2`: each part is a
 * word of its own, and the whole name is one, too, so that a pasted name finds its tool first.
 */
import { stemmer } from 'stemmer';

/** Texts of servers are foreign: words beyond this number cannot buy rank, and cost no time. */
const MAX_WORDS = 400;
const MAX_CHARACTERS = 8_000;
const MAX_WORD = 48;

const WORD = /\p{L}[\p{L}\p{M}]*|\p{N}+/gu;
const CASE_BORDER = /(?<=\p{Ll})(?=\p{Lu})|(?<=\p{Lu})(?=\p{Lu}\p{Ll})/u;
const PLAIN = /^[a-z]+$/;
/** Scripts that put no space between words: two neighbours at a time stand for them. */
const UNSPACED = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}]/u;

const STOP_WORDS = new Set(
  (
    'a an and any are as at be been but by can could did do does for from had has have here how i if in into is it ' +
    'its just let me my need of on one or our out please should so some such than that the their them then there ' +
    'these they this those to us use used using want was we were what when where which who will with would you your'
  ).split(' '),
);

/** @returns lower-case parts, in order: letters and digits apart, camelCase opened. */
export function splitWords(text: string): string[] {
  const words: string[] = [];
  for (const [run] of text.slice(0, MAX_CHARACTERS).normalize('NFKC').matchAll(WORD)) {
    const parts = PLAIN.test(run) ? [run] : UNSPACED.test(run) ? pairs(run) : run.split(CASE_BORDER);
    for (const part of parts) {
      words.push(part.slice(0, MAX_WORD).toLowerCase());
      if (words.length === MAX_WORDS) return words;
    }
  }
  return words;
}

/** @returns the words without those that say nothing, unless there are no others. */
export function tellingWords(text: string): string[] {
  const words = splitWords(text);
  const telling = words.filter((word) => !STOP_WORDS.has(word));
  return telling.length > 0 ? telling : words;
}

/** @returns the stems that are searched for. */
export function searchTerms(text: string): string[] {
  return tellingWords(text).map(stemmer);
}

/** @returns the name as one word: `mcp__sw__github__Create-Issue` → `mcpswgithubcreateissue`. */
export function wholeName(name: string): string {
  return splitWords(name).join('');
}

function pairs(run: string): string[] {
  const signs = Array.from(run);
  return signs.length < 2 ? signs : signs.slice(1).map((sign, index) => `${signs[index]}${sign}`);
}
