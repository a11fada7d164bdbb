/**
 * Programs that fetch, unpack or build another program before they start it.
 *
 * Ended by force in the middle of that, they leave half of a package behind and take it for a whole one ever after. So
 * they are known here by their command line. A program that is not in the table, or that hides behind a script of the
 * user's own, is taken for one that does not fetch.
 */

export interface PackageRunner {
  /** As its user calls it: `npx`, `pnpm dlx`. */
  readonly name: string;
  /** The runner's work before its first answer. */
  readonly fetches: string;
}

/** The runner that a command line starts, also behind `env`, a shell and the like. */
export function packageRunner(command: string, args: readonly string[]): PackageRunner | undefined {
  return runnerIn([command, ...args], 0);
}

/** Each program with the words that have to follow, the first as options may stand before them; none: it always fetches. */
const PROGRAMS: ReadonlyMap<string, readonly (readonly string[])[]> = new Map([
  ['npx', [[]]],
  ['npm', [['exec'], ['x'], ['init'], ['create']]],
  ['pnpm', [['dlx'], ['create']]],
  ['pnpx', [[]]],
  ['yarn', [['dlx'], ['create']]],
  ['bunx', [[]]],
  ['bun', [['x'], ['create']]],
  ['deno', [['run'], ['serve'], ['x']]],
  ['dx', [[]]],
  ['uvx', [[]]],
  ['uv', [['run'], ['tool', 'run'], ['x']]],
  ['pipx', [['run']]],
  ['pixi', [['run'], ['exec']]],
  ['hatch', [['run']]],
  ['poetry', [['run']]],
  ['docker', [['run'], ['container', 'run'], ['compose', 'run'], ['compose', 'up'], ['mcp']]],
  ['docker-compose', [['run'], ['up']]],
  ['podman', [['run'], ['container', 'run'], ['compose', 'run']]],
  ['nerdctl', [['run'], ['container', 'run']]],
  ['go', [['run']]],
  ['cargo', [['run']]],
  ['dnx', [[]]],
  ['dotnet', [['run'], ['tool', 'run'], ['tool', 'exec'], ['tool', 'execute']]],
  ['nix', [['run'], ['shell'], ['develop']]],
  ['nix-shell', [[]]],
  ['jbang', [[]]],
  ['mvn', [[]]],
  ['gradle', [[]]],
]);

const FETCHES: Readonly<Record<string, string>> = {
  docker: 'its image',
  'docker-compose': 'its image',
  podman: 'its image',
  nerdctl: 'its image',
  go: 'and building its program',
  cargo: 'and building its program',
  deno: 'its modules',
};

/** Start the command line that follows, after options and settings of variables. */
const WRAPPERS: ReadonlySet<string> = new Set([
  ...['env', 'exec', 'command', 'nohup', 'nice', 'ionice', 'time', 'timeout', 'stdbuf', 'setsid', 'sudo'],
  ...[
    'xvfb-run',
    'dotenv',
    'dotenvx',
    'cross-env',
    'corepack',
    'mise',
    'direnv',
    'op',
    'doppler',
    'infisical',
  ],
  ...['start', 'wsl', 'flatpak-spawn', 'volta', 'fnm', 'asdf'],
]);
const SHELLS: ReadonlySet<string> = new Set(['sh', 'bash', 'zsh', 'dash', 'ksh', 'fish', 'ash']);
const WINDOWS_SHELLS: ReadonlySet<string> = new Set(['cmd', 'powershell', 'pwsh']);
const INTERPRETERS: ReadonlySet<string> = new Set(['node', 'python', 'python3', 'py']);
/** Scripts and modules by which an interpreter is told to be a runner. */
const SCRIPTS: Readonly<Record<string, string>> = {
  'npx-cli.js': 'npx',
  'npm-cli.js': 'npm',
  'pnpm.cjs': 'pnpm',
};
const MODULES: ReadonlySet<string> = new Set(['uv', 'pipx', 'poetry', 'hatch']);

const DEEPEST = 4;
/** So many words are looked at behind a wrapper: its own options come first. */
const FURTHEST = 8;

function runnerIn(words: readonly string[], depth: number): PackageRunner | undefined {
  const [first, ...rest] = words;
  if (first === undefined || depth > DEEPEST) return undefined;
  const program = programOf(first);
  const forms = PROGRAMS.get(program);
  if (forms) return forms.map((form) => formed(program, form, rest)).find((found) => found !== undefined);
  if (SHELLS.has(program) || WINDOWS_SHELLS.has(program)) return inScript(program, rest, depth);
  if (INTERPRETERS.has(program)) return interpreted(rest, depth);
  if (!WRAPPERS.has(program)) return undefined;
  // Which of its words are values of its options is not known: the first that is a runner is taken.
  for (let i = 0; i < Math.min(rest.length, FURTHEST); i++) {
    const found = runnerIn(rest.slice(i), depth + 1) ?? inText(rest[i] ?? '', depth);
    if (found) return found;
  }
  return undefined;
}

function formed(
  program: string,
  form: readonly string[],
  rest: readonly string[],
): PackageRunner | undefined {
  const [verb, ...further] = form;
  const name = [program, ...form].join(' ');
  const runner = { name, fetches: FETCHES[program] ?? 'its package' };
  if (verb === undefined) return runner;
  // Options of the program itself, each perhaps with a value, stand before its verb.
  for (const [i, word] of rest.entries()) {
    if (word === verb && further.every((next, j) => rest[i + 1 + j] === next)) return runner;
    const before = rest[i - 1];
    if (!word.startsWith('-') && !(before?.startsWith('-') ?? false)) return undefined;
  }
  return undefined;
}

function interpreted(rest: readonly string[], depth: number): PackageRunner | undefined {
  const module = rest.indexOf('-m');
  const named = rest[module + 1];
  if (module !== -1 && named !== undefined)
    return MODULES.has(named) ? runnerIn(rest.slice(module + 1), depth + 1) : undefined;
  const at = rest.findIndex((word) => !word.startsWith('-'));
  const script = SCRIPTS[basename(rest[at] ?? '')];
  return script === undefined ? undefined : runnerIn([script, ...rest.slice(at + 1)], depth + 1);
}

function inScript(shell: string, rest: readonly string[], depth: number): PackageRunner | undefined {
  const windows = WINDOWS_SHELLS.has(shell);
  const at = rest.findIndex((word) => (windows ? /^[-/][a-z]*[ck]/i : /^-[a-z]*c$/).test(word));
  if (at === -1) return undefined;
  const script = rest.slice(at + 1);
  return (windows ? runnerIn(script, depth + 1) : undefined) ?? inText(script[0] ?? '', depth);
}

/** In any of the commands of a shell's line. */
function inText(text: string, depth: number): PackageRunner | undefined {
  if (!/\s/.test(text)) return undefined;
  for (const command of text.split(/[;&|\n()]+/)) {
    const words = [...command.matchAll(/"([^"]*)"|'([^']*)'|([^\s"']+)/g)].map(
      ([, double, single, plain]) => double ?? single ?? plain ?? '',
    );
    const from = words.findIndex((word) => !/^[A-Za-z_]\w*=/.test(word));
    const found = from === -1 ? undefined : runnerIn(words.slice(from), depth + 1);
    if (found) return found;
  }
  return undefined;
}

function programOf(command: string): string {
  return basename(command)
    .toLowerCase()
    .replace(/\.(exe|cmd|bat|ps1)$/, '');
}

function basename(path: string): string {
  return path.slice(Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\')) + 1);
}
