/**
 * The names that someone who asked for `name` may have meant, the nearest first.
 *
 * What stands before a `__` may have been forgotten. Bounded: the first 128 characters decide, and of the edit
 * distances only a band is computed.
 */
export function nearestNames(name: string, names: Iterable<string>, limit: number): readonly string[] {
  const asked = fold(name);
  const found: { readonly name: string; readonly distance: number }[] = [];
  let most = Math.min(6, Math.max(1, Math.floor(asked.length / 4)));
  for (const candidate of names) {
    const folded = fold(candidate);
    const local = folded.replace(/^.*?__/, '');
    const distance = Math.min(editDistance(asked, folded, most), editDistance(asked, local, most));
    if (distance > most) continue;
    // Equally near names stay in the order in which they came.
    const place = found.findIndex((other) => other.distance > distance);
    found.splice(place < 0 ? found.length : place, 0, { name: candidate, distance });
    if (found.length > limit) found.pop();
    // From now on only a nearer one is of interest.
    if (found.length === limit) most = Math.min(most, (found.at(-1)?.distance ?? 0) - 1);
    if (most < 0) break;
  }
  return found.map((near) => near.name);
}

function fold(name: string): string {
  return name.slice(0, 128).toLowerCase();
}

/** Levenshtein's distance, or anything above `most` where it is more. */
function editDistance(a: string, b: string, most: number): number {
  if (Math.abs(a.length - b.length) > most) return most + 1;
  let same = 0;
  while (same < a.length && a[same] === b[same]) same++;
  return bandedDistance(a.slice(same), b.slice(same), most);
}

function bandedDistance(a: string, b: string, most: number): number {
  const beyond = most + 1;
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = row.map(() => beyond);
    next[0] = i;
    let least = i;
    for (let j = Math.max(1, i - most); j <= Math.min(b.length, i + most); j++) {
      const changed = (row[j - 1] ?? beyond) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next[j] = Math.min(changed, (row[j] ?? beyond) + 1, (next[j - 1] ?? beyond) + 1);
      least = Math.min(least, next[j] ?? beyond);
    }
    if (least > most) return beyond;
    row = next;
  }
  return row[b.length] ?? beyond;
}
