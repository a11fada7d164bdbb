/** The end of the log, kept in memory for whoever asks a running proxy. */

/** In characters. */
const KEPT = 512 * 1024;
const LONGEST_LINE = 16 * 1024;

export class RecentLog {
  readonly #lines: string[] = [];
  readonly #listeners = new Set<(line: string) => void>();
  #kept = 0;

  /** A line as it is printed, without secrets and without its end. */
  add(line: string): void {
    const bounded = line.length > LONGEST_LINE ? `${line.slice(0, LONGEST_LINE)}…` : line;
    this.#lines.push(bounded);
    this.#kept += bounded.length;
    while (this.#kept > KEPT) this.#kept -= this.#lines.shift()?.length ?? this.#kept;
    for (const listener of this.#listeners) listener(bounded);
  }

  get lines(): readonly string[] {
    return this.#lines;
  }

  /** @returns a function that stops it. */
  follow(listener: (line: string) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
