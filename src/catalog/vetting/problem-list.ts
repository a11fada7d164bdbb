import type { CatalogProblem } from '../catalog.ts';
import { printableName } from './hidden-characters.ts';

const MAX_PER_SERVER = 100;

/** Gathers problems; a server with thousands of them gets one line for all beyond the first hundred. */
export class ProblemList {
  readonly #problems: CatalogProblem[] = [];
  readonly #counts = new Map<string, number>();

  /** `item` may be as hostile as it came. */
  add(server: string, item: string, what: string): void {
    const count = (this.#counts.get(server) ?? 0) + 1;
    this.#counts.set(server, count);
    if (count <= MAX_PER_SERVER) this.#problems.push({ server, item: printableName(item), what });
  }

  all(): readonly CatalogProblem[] {
    const more = [...this.#counts].filter(([, count]) => count > MAX_PER_SERVER);
    return [
      ...this.#problems,
      ...more.map(([server, count]) => ({
        server,
        item: '',
        what: `${count - MAX_PER_SERVER} more problems`,
      })),
    ];
  }
}
