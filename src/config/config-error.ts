/** A fault at one place. `path` is empty where the whole file is meant. */
export interface ConfigProblem {
  readonly file: string;
  /** Lines count from 1; absent where the format's parser does not tell. */
  readonly line?: number;
  readonly column?: number;
  /** The path as people write it: `mcpServers["my server"].args[0]`. */
  readonly path: string;
  /** Never holds the value of a secret or of an expanded variable. */
  readonly message: string;
}

/** The configuration cannot be used. Carries every problem of every file, in file order. */
export class ConfigError extends Error {
  readonly problems: readonly ConfigProblem[];

  constructor(problems: readonly ConfigProblem[]) {
    super(problems.map(problemLine).join('\n'));
    this.name = 'ConfigError';
    this.problems = problems;
  }
}

/** `FILE:LINE:COL  path.to.key: message`. */
export function problemLine(problem: ConfigProblem): string {
  const line = problem.line === undefined ? '' : `:${problem.line}`;
  const column = problem.column === undefined ? '' : `:${problem.column}`;
  const path = problem.path === '' ? '' : `${problem.path}: `;
  return `${problem.file}${line}${column}  ${path}${problem.message}`;
}
