/**
 * Does the whole name match? `*` stands for any run of characters, `?` for one; nothing else is special.
 *
 * Goes back to the last `*` only, so that no pattern takes longer than name × pattern steps.
 */
export function matchesGlob(name: string, glob: string): boolean {
  let n = 0;
  let g = 0;
  let star = -1;
  let resume = 0;
  while (n < name.length) {
    if (glob[g] === '*') {
      star = g++;
      resume = n;
    } else if (g < glob.length && (glob[g] === '?' || glob[g] === name[n])) {
      g++;
      n++;
    } else if (star >= 0) {
      g = star + 1;
      n = ++resume;
    } else return false;
  }
  while (glob[g] === '*') g++;
  return g === glob.length;
}
