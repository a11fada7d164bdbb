/** Guesses which name was meant. Only the first 128 characters of a name count. */

/** The candidate that the word was probably meant to be; `undefined` if none is near. */
export function nearest(word: string, candidates: Iterable<string>): string | undefined {
  const asked = word.slice(0, 128).toLowerCase();
  const limit = Math.max(1, Math.floor(asked.length / 3));
  let best: { readonly name: string; readonly distance: number } | undefined;
  for (const name of candidates) {
    const folded = name.slice(0, 128).toLowerCase();
    if (Math.abs(folded.length - asked.length) > limit) continue;
    const distance = editDistance(asked, folded);
    if (distance <= limit && (best === undefined || distance < best.distance)) best = { name, distance };
  }
  return best?.name;
}

/** Names in a sentence: the first ones, and how many more there are. */
export function listed(names: readonly string[], limit = 20): string {
  if (names.length === 0) return 'nothing';
  const more = names.length - limit;
  return names.slice(0, limit).join(', ') + (more > 0 ? ` and ${more} more` : '');
}

/** Counts insertions, deletions, replacements and swaps of neighbours. */
function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const current = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      current[j] = Math.min(
        (previous[j] ?? 0) + 1,
        (current[j - 1] ?? 0) + 1,
        (previous[j - 1] ?? 0) + (same ? 0 : 1),
        swapped ? (before[j - 2] ?? 0) + 1 : Infinity,
      );
    }
    before = previous;
    previous = current;
  }
  return previous[b.length] ?? 0;
}
