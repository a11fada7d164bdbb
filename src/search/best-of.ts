/** The best few of many, without putting all of them in order. */

export interface Scored {
  readonly name: string;
  readonly score: number;
}

/** @returns the best first, equal ones in the order of their names; those that are as good as the last of them, too. */
export function bestOf(found: readonly Scored[], most: number): Scored[] {
  if (found.length <= most) return found.toSorted(byScore);
  const scores = Float64Array.from(found, ({ score }) => score).sort();
  const least = scores[scores.length - most] ?? 0;
  return found
    .filter(({ score }) => score >= least)
    .sort(byScore)
    .slice(0, most);
}

export function byScore(a: Scored, b: Scored): number {
  return b.score - a.score || (a.name < b.name ? -1 : 1);
}
