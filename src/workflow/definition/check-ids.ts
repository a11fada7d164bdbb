import type { ToldProblem } from './problem.ts';

/** Checks that ids are unique, and can be named in an expression. */
export function checkIds(ids: readonly string[], problem: ToldProblem): void {
  const seen = new Map<string, number>();
  for (const [index, id] of ids.entries()) {
    const path = `steps[${index}].id`;
    const first = seen.get(id);
    if (id === '') continue;
    if (first !== undefined)
      problem(path, `the id "${id}" is taken by steps[${first}]`, {
        fix: JSON.stringify(`${id}_${index + 1}`),
      });
    else if (!/^[A-Za-z_][A-Za-z0-9_]{0,63}$/.test(id))
      problem(path, `an id is up to 64 letters, digits and "_", got ${JSON.stringify(id)}`, {
        fix: JSON.stringify(
          id
            .replaceAll(/\W/g, '_')
            .replace(/^(?=\d)/, '_')
            .slice(0, 64),
        ),
      });
    else if (RESERVED.has(id))
      problem(path, `"${id}" is a word of CEL: no expression could refer to the step`, {
        fix: JSON.stringify(`${id}_step`),
      });
    seen.set(id, first ?? index);
  }
}

const RESERVED = new Set(
  'in true false null as break const continue else for function if import let loop package namespace return var void while'.split(
    ' ',
  ),
);
