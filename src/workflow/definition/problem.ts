/** One mistake in a definition or an input: its place, the reason, and a text to write instead. */
export interface Problem {
  /** `steps[2].with.id` */
  readonly path: string;
  readonly message: string;
  readonly expected?: string;
  readonly nearest?: string;
  readonly fix?: string;
}

export function problemPath(path: readonly PropertyKey[]): string {
  let text = '';
  for (const part of path) {
    if (typeof part === 'number') text += `[${part}]`;
    else if (!/^[A-Za-z_$][\w$]*$/.test(String(part))) text += `[${JSON.stringify(String(part))}]`;
    else text += text === '' ? String(part) : `.${String(part)}`;
  }
  return text;
}

/** Joins `steps[0].with` and `items[0].id`. */
export function joinPaths(path: string, inner: string): string {
  if (inner === '' || path === '') return path + inner;
  return inner.startsWith('[') ? path + inner : `${path}.${inner}`;
}

/** One line for people and models. */
export function problemText({ path, message, nearest, fix }: Problem): string {
  const hint = nearest === undefined || message.includes(nearest) ? '' : ` Did you mean "${nearest}"?`;
  return `${path === '' ? 'definition' : path}: ${message}${hint}${fix === undefined ? '' : ` Fix: ${fix}`}`;
}

/** Reports a mistake. */
export type ToldProblem = (path: string, message: string, more?: Omit<Problem, 'path' | 'message'>) => void;
