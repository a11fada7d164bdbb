/**
 * Requests under way, by numbers that only grow.
 *
 * A `Map` would do the same and cost a third of the time of a call: a new table of a `Map` leaves the old one with all
 * its entries, and once one table is old for the garbage collector, everything in its successors grows old too.
 */
export class InFlight<T> {
  #ids: number[] = places(SMALLEST, NONE);
  #values: (T | undefined)[] = places(SMALLEST, undefined);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** The next number after `id` whose slot is free. */
  idAfter(id: number): number {
    // Half of the slots stay free, so that one is near.
    if (this.#size * 2 >= this.#ids.length) this.#grow();
    let next = id + 1;
    while (this.#ids[next & (this.#ids.length - 1)] !== NONE) next++;
    return next;
  }

  set(id: number, value: T): void {
    while (!this.#isFreeFor(id)) this.#grow();
    const place = id & (this.#ids.length - 1);
    if (this.#ids[place] === NONE) this.#size++;
    this.#ids[place] = id;
    this.#values[place] = value;
  }

  get(id: number): T | undefined {
    const place = id & (this.#ids.length - 1);
    return this.#ids[place] === id ? this.#values[place] : undefined;
  }

  delete(id: number): boolean {
    const place = id & (this.#ids.length - 1);
    if (this.#ids[place] !== id) return false;
    this.#ids[place] = NONE;
    this.#values[place] = undefined;
    this.#size--;
    return true;
  }

  clear(): void {
    for (const id of this.ids()) this.delete(id);
  }

  /** The numbers in ascending order. */
  ids(): number[] {
    return this.#ids.filter((id) => id !== NONE).sort((a, b) => a - b);
  }

  /** The values, in the order of their numbers. */
  values(): T[] {
    return this.ids().map((id) => this.get(id) as T);
  }

  /** The value with the largest number among those that `isSo` accepts. */
  latest(isSo: (value: T) => boolean): T | undefined {
    let latest = NONE;
    for (const [place, id] of this.#ids.entries())
      if (id > latest && isSo(this.#values[place] as T)) latest = id;
    return latest === NONE ? undefined : this.get(latest);
  }

  #isFreeFor(id: number): boolean {
    const there = this.#ids[id & (this.#ids.length - 1)];
    return there === NONE || there === id;
  }

  #grow(): void {
    const ids = this.#ids;
    const values = this.#values;
    const length = ids.length * 2;
    this.#ids = places(length, NONE);
    this.#values = places(length, undefined);
    for (const [place, id] of ids.entries()) {
      if (id === NONE) continue;
      this.#ids[id & (length - 1)] = id;
      this.#values[id & (length - 1)] = values[place];
    }
  }
}

const SMALLEST = 16;
const NONE = -1;

function places<T>(length: number, empty: T): T[] {
  return Array.from({ length }, () => empty);
}
