/**
 * Ranks texts by the words that they have in common with a query: BM25F, which adds up a word's weight over all fields
 * before it looks how rare the word is.
 *
 * Adding up costs a few numbers for each text that has the word, so that thousands of texts that all have it are no
 * matter. One text is taken out or put in without touching the others.
 */
import { bestOf, type Scored } from './best-of.ts';
import { Places } from './places.ts';

export interface WeightedTerms {
  readonly terms: readonly string[];
  /** A multiple of 1/2: sums of such and of their halves are exact, so that no order of arrival changes a rank. */
  readonly weight: number;
}

/** How soon a word's repetition loses its worth, and how much a long text is held against it; found on BFCL. */
const SATURATION = 2;
const LENGTH_PART = 0.4;
/** A word counts half as much each time it is repeated in a field, and so often at most. */
const MAX_REPEATS = 3;

interface Text {
  readonly weights: ReadonlyMap<string, number>;
  readonly length: number;
}

export class WordIndex {
  readonly #places = new Places();
  /** By their places. */
  readonly #texts: (Text | undefined)[] = [];
  /** For each word the places of the texts that have it, with its weight there. */
  readonly #postings = new Map<string, Map<number, number>>();
  #length = 0;

  put(name: string, fields: readonly WeightedTerms[]): void {
    this.remove(name);
    const weights = new Map<string, number>();
    let length = 0;
    for (const { terms, weight } of fields) {
      length += terms.length * weight;
      const counts = new Map<string, number>();
      for (const term of terms) {
        const count = counts.get(term) ?? 0;
        counts.set(term, count + 1);
        if (count < MAX_REPEATS) weights.set(term, (weights.get(term) ?? 0) + weight / 2 ** count);
      }
    }
    const place = this.#places.add(name);
    this.#texts[place] = { weights, length };
    this.#length += length;
    for (const [term, weight] of weights) {
      const posting = this.#postings.get(term);
      if (posting) posting.set(place, weight);
      else this.#postings.set(term, new Map([[place, weight]]));
    }
  }

  remove(name: string): void {
    const place = this.#places.remove(name);
    const text = place === undefined ? undefined : this.#texts[place];
    if (place === undefined || !text) return;
    this.#texts[place] = undefined;
    this.#length -= text.length;
    for (const term of text.weights.keys()) {
      const posting = this.#postings.get(term);
      posting?.delete(place);
      if (posting?.size === 0) this.#postings.delete(term);
    }
  }

  /** @returns at most so many, the best first. */
  search(terms: readonly string[], most: number, admits: (name: string) => boolean): Scored[] {
    const { count, end } = this.#places;
    const usual = this.#length / Math.max(1, count);
    const scores = new Float64Array(end);
    for (const term of terms) {
      const posting = this.#postings.get(term);
      if (!posting) continue;
      const rarity = Math.log(1 + (count - posting.size + 0.5) / (posting.size + 0.5));
      for (const [place, weight] of posting) {
        const length = this.#texts[place]?.length ?? usual;
        const worth = SATURATION * (1 - LENGTH_PART + (LENGTH_PART * length) / usual);
        scores[place] = (scores[place] ?? 0) + (rarity * weight * (SATURATION + 1)) / (weight + worth);
      }
    }
    return bestOf(this.#places.scored(scores, admits), most);
  }
}
