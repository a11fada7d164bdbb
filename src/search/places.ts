import type { Scored } from './best-of.ts';

/** Gives names small numbers, so that what is known of each can stand in arrays; numbers of removed ones are given again. */
export class Places {
  readonly #names: (string | undefined)[] = [];
  readonly #places = new Map<string, number>();
  readonly #free: number[] = [];

  /** How many names there are. */
  get count(): number {
    return this.#places.size;
  }

  /** Above all places. */
  get end(): number {
    return this.#names.length;
  }

  add(name: string): number {
    const place = this.#free.pop() ?? this.#names.length;
    this.#names[place] = name;
    this.#places.set(name, place);
    return place;
  }

  /** @returns where it was. */
  remove(name: string): number | undefined {
    const place = this.#places.get(name);
    if (place === undefined) return undefined;
    this.#names[place] = undefined;
    this.#places.delete(name);
    this.#free.push(place);
    return place;
  }

  /** @returns the names whose score is more than nothing. @param scores by their places. */
  scored(scores: Float64Array, admits: (name: string) => boolean): Scored[] {
    const found: Scored[] = [];
    for (const [place, score] of scores.entries()) {
      const name = this.#names[place];
      if (score > 0 && name !== undefined && admits(name)) found.push({ name, score });
    }
    return found;
  }
}
