/** What is wrong at one place. `path` is empty where the whole file is meant. */
export interface ConfigProblem {
  readonly file: string;
  /** From 1, where the format's parser tells it. */
  readonly line?: number;
  readonly column?: number;
  /** As people write it: `mcpServers["my server"].args[0]`. */
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
