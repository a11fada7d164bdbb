/**
 * Ranks texts by words that mean nearly what the words of a query mean: "folder" finds "directory".
 *
 * Each word of a query counts by the one word of a text that is nearest to it, so that a long text has no more chances
 * than a short one to be near in the mean. Only the words of the texts are compared, not the texts.
 */
import { bestOf, type Scored } from './best-of.ts';
import { Places } from './places.ts';
import type { WeightedTerms } from './word-index.ts';
import type { WordTable } from './word-table.ts';

/** Words less alike have nothing in common. */
const MIN_SIMILARITY = 0.35;
/** How much a text of many words is held against it. */
const LENGTH_PART = 0.2;
/** Of a query, the rarest first: each is compared with all words that there are. */
const MAX_WORDS = 16;
const MAX_REMEMBERED = 256;
/** Vectors of words are kept in a byte for each dimension. */
const LEVELS = 127;
const FIRST = 40;
const MIN_FIRST = 0.12 * LEVELS ** 2;

interface Word {
  readonly vector: Int8Array | undefined;
  /** The places of the texts that have it, with its weight there. */
  readonly texts: Map<number, number>;
}

type Near = readonly { readonly word: Word; readonly similarity: number }[];

export class NearWords {
  readonly #table: WordTable;
  readonly #words = new Map<string, Word>();
  readonly #places = new Places();
  /** The words of each text, by their places. */
  readonly #texts: (readonly string[] | undefined)[] = [];
  /** What the words of earlier queries are near to, as long as there are the same words. */
  readonly #near = new Map<string, Near>();

  constructor(table: WordTable) {
    this.#table = table;
  }

  /** @param fields the most important first: a word counts where it stands first. */
  put(name: string, fields: readonly WeightedTerms[]): void {
    this.remove(name);
    const weights = new Map<string, number>();
    for (const { terms, weight } of fields)
      for (const term of terms) if (!weights.has(term)) weights.set(term, weight);
    const place = this.#places.add(name);
    for (const [term, weight] of weights) this.#wordOf(term).texts.set(place, weight);
    this.#texts[place] = [...weights.keys()];
  }

  remove(name: string): void {
    const place = this.#places.remove(name);
    if (place === undefined) return;
    for (const term of this.#texts[place] ?? []) {
      const word = this.#words.get(term);
      word?.texts.delete(place);
      if (word?.texts.size !== 0) continue;
      this.#words.delete(term);
      this.#near.clear();
    }
    this.#texts[place] = undefined;
  }

  /** How rare a word is among the texts. */
  rarity(word: string): number {
    const count = this.#words.get(word)?.texts.size ?? 0;
    return Math.log(1 + (this.#places.count - count + 0.5) / (count + 0.5));
  }

  /** @returns at most so many, the best first. */
  search(words: readonly string[], most: number, admits: (name: string) => boolean): Scored[] {
    const rarest = [...new Set(words)]
      .map((word) => ({ word, rarity: this.rarity(word) }))
      .sort((a, b) => b.rarity - a.rarity || (a.word < b.word ? -1 : 1))
      .slice(0, MAX_WORDS);
    const { end } = this.#places;
    const scores = new Float64Array(end);
    const best = new Float64Array(end);
    for (const { word, rarity } of rarest) {
      best.fill(0);
      for (const near of this.#nearTo(word))
        for (const [place, weight] of near.word.texts)
          best[place] = Math.max(best[place] ?? 0, near.similarity * weight);
      for (let place = 0; place < end; place++)
        scores[place] = (scores[place] ?? 0) + rarity * (best[place] ?? 0);
    }
    for (let place = 0; place < end; place++)
      scores[place] = (scores[place] ?? 0) / (1 + LENGTH_PART * this.#lengthAt(place));
    return bestOf(this.#places.scored(scores, admits), most);
  }

  #lengthAt(place: number): number {
    return Math.log(1 + (this.#texts[place]?.length ?? 0));
  }

  #wordOf(term: string): Word {
    const present = this.#words.get(term);
    if (present) return present;
    const word = { vector: this.#vectorOf(term), texts: new Map<number, number>() };
    this.#words.set(term, word);
    this.#near.clear();
    return word;
  }

  #vectorOf(term: string): Int8Array | undefined {
    const vector = this.#table.embed([{ word: term, weight: 1 }]);
    const isKnown = vector.some((value) => value !== 0);
    return isKnown ? Int8Array.from(vector, (value) => Math.round(value * LEVELS)) : undefined;
  }

  #nearTo(term: string): Near {
    const remembered = this.#near.get(term);
    if (remembered) return remembered;
    const own = this.#words.get(term);
    const vector = own ? own.vector : this.#vectorOf(term);
    const near = own ? [{ word: own, similarity: 1 }] : [];
    if (vector) {
      for (const word of this.#words.values()) {
        if (word === own || !word.vector) continue;
        // The first dimensions tell most: few words have to be compared in all.
        const first = product(vector, word.vector, 0, FIRST);
        if (first < MIN_FIRST) continue;
        const similarity = (first + product(vector, word.vector, FIRST, vector.length)) / LEVELS ** 2;
        if (similarity >= MIN_SIMILARITY) near.push({ word, similarity });
      }
    }
    if (this.#near.size >= MAX_REMEMBERED) this.#near.clear();
    this.#near.set(term, near);
    return near;
  }
}

function product(a: Int8Array, b: Int8Array, from: number, to: number): number {
  let sum = 0;
  for (let i = from; i < to; i++) sum += (a[i] as number) * (b[i] as number);
  return sum;
}
