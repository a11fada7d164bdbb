/** The sentences for a child process that did not start, or is gone. */
import { readFileSync, statSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { ProxyError } from '../../core/errors.ts';
import { lastWords } from '../../core/redaction/redact.ts';
import { brokenCache, brokenCacheSentence } from './package-cache.ts';
import type { PackageRunner } from './package-runners.ts';

export interface StartFailure {
  readonly server: string;
  readonly command: string;
  readonly cwd: string | undefined;
  readonly cause: unknown;
}

/** It surely did nothing: there was no process. */
export function notStarted(failure: StartFailure): ProxyError {
  const { server, cause } = failure;
  return new ProxyError('DOWNSTREAM_UNAVAILABLE', {
    message: `"${server}" did not start: ${reasonOf(failure)}`,
    server,
    delivered: false,
    // Not the error itself: it lists the arguments, which may hold secrets.
    cause: new Error(`spawn: ${codeOf(cause) ?? 'failed'}`),
  });
}

export interface Ending {
  readonly server: string;
  /** The event, as in "ended with exit code 1". */
  readonly what: string;
  /** The end of stderr, cleaned. */
  readonly stderr: string;
  /** The process has sent a message. */
  readonly spoke: boolean;
  /** The process is a package runner. */
  readonly fetches: boolean;
  /** A message was handed to the process. */
  readonly wrote: boolean;
}

export function ended({ server, what, stderr, spoke, fetches, wrote }: Ending): ProxyError {
  const words = telling(stderr);
  const broken = fetches && !spoke ? brokenCache(stderr) : undefined;
  const said = `${broken ? ` ${brokenCacheSentence(broken)}` : ''}${words === '' ? '' : ` It said: ${words}`}`;
  return new ProxyError(spoke ? 'DOWNSTREAM_FAILED' : 'DOWNSTREAM_UNAVAILABLE', {
    message: spoke ? `"${server}" ${what}.${said}` : `"${server}" did not start: it ${what}.${said}`,
    server,
    delivered: wrote ? 'unknown' : false,
  });
}

/** The first of npm's many lines tell the cause, and the last a log; other programs tell the cause at their end. */
function telling(stderr: string): string {
  const lines = stderr.split('\n').map((line) => line.trim());
  const npm = lines.filter((line) => NPM_ERROR.test(line) && !NPM_NOISE.test(line));
  return npm.length === 0 ? lastWords(stderr) : lastWords(npm.slice(0, 5).join('\n'));
}

const NPM_ERROR = /^npm (?:error|ERR!) \S/;
const NPM_NOISE = /A complete log of this run|^npm (?:error|ERR!) (?:errno|syscall|type:|\}|at )/;

/** Reasons why a process that runs does not answer, as far as they are known. */
export function silence(runner: PackageRunner | undefined, fetches: boolean, stderr: string): string {
  const words = lastWords(stderr);
  const last = words.split(' | ').at(-1) ?? '';
  return [
    ...(runner && fetches
      ? [
          `${runner.name} may still be fetching ${runner.fetches}: is the network there, and what it fetches from? A larger connectTimeoutMs gives it more time.`,
        ]
      : []),
    ...(words === '' ? [] : [`It said last: ${words}`]),
    ...(OK_TO_PROCEED.test(last)
      ? ['It asks before it fetches: put "-y" into args, before the package.']
      : ASKS.test(last)
        ? ['It waits for an answer that nobody can give it here.']
        : []),
  ].join(' ');
}

const OK_TO_PROCEED = /\bOk to proceed\? \(y\)\s*$/i;
const ASKS =
  /(?:\?|[[(]y(?:es)?\/n(?:o)?[\])]\??|password|passphrase|passcode|press (?:any key|enter)[^|]*)\s*[:>]?\s*$/i;

export function exitOf(code: number | null, signal: NodeJS.Signals | null): string {
  return code === null ? `was ended by ${signal ?? 'a signal'}` : `ended with exit code ${code}`;
}

function reasonOf({ command, cwd, cause }: StartFailure): string {
  const code = codeOf(cause);
  const name = basename(command.replaceAll('\\', '/'));
  // spawn reports a missing working directory as a missing command.
  if (cwd !== undefined && !isDirectory(cwd))
    return `its working directory ${exists(cwd) ? 'is a file, and no folder' : 'does not exist'}. Check "cwd".`;
  if (code === 'ENOENT' || code === 'EACCES' || code === 'ENOTDIR') {
    const slip = commandSlip(command, cwd);
    if (slip !== undefined) return slip;
  }
  if (code === 'ENOENT' || code === 'ENOTDIR')
    return `the command "${name}" was not found. ${hint(command, name)}`;
  if (code === 'EACCES')
    return `the command "${name}" may not be executed. Is it a program, and may this user run it?`;
  if (code === 'EMFILE' || code === 'ENFILE' || code === 'EAGAIN' || code === 'ENOMEM')
    return `the system has no room for another process (${code}).`;
  if (code === 'E2BIG') return 'its arguments and environment are too long.';
  return `the command "${name}" cannot be run${code === undefined ? '' : ` (${code})`}.`;
}

const COMES_WITH: Readonly<Record<string, string>> = {
  node: 'Node',
  npm: 'Node',
  npx: 'Node',
  bunx: 'Bun',
  uv: 'uv',
  uvx: 'uv',
  python: 'Python',
  python3: 'Python',
  pipx: 'pipx',
  docker: 'Docker',
  deno: 'Deno',
};

/** Shell syntax that people write into `command`, though no shell is there to understand it. */
export function commandSlip(command: string, cwd: string | undefined): string | undefined {
  const trimmed = command.trim();
  const quote = /^["'`]/.exec(trimmed)?.[0];
  // Never the rest of it, which may hold secrets.
  const [first = '', ...rest] = trimmed.split(/["'`]|\s+/).filter((word) => word !== '');
  const program = basename(first.replaceAll('\\', '/'));
  const place = resolve(cwd ?? '.', trimmed);
  if (isDirectory(place)) return `its command "${basename(place)}" is a folder: name the program in it.`;
  if (exists(place) && /[\\/]/.test(trimmed) && trimmed === command) {
    const interpreter = interpreterOf(place);
    // spawn reports the missing program of a script's first line as a missing script.
    if (interpreter === undefined || exists(interpreter)) return undefined;
    return `the program that the first line of "${basename(place)}" names (${interpreter}) is not there. Put the program into command and the file into args.`;
  }
  if (/^[A-Za-z_]\w*=/.test(first))
    return `its command sets "${first.split('=')[0]}": put variables into env.`;
  if (rest.length > 0 && (quote !== undefined || !/[\\/]/.test(first) || exists(resolve(cwd ?? '.', first))))
    return `its command holds blanks: put the program ("${program}") into command and the rest into args.`;
  if (quote !== undefined) return `its command stands in quotes of its own: write ${program} without them.`;
  if (trimmed !== command) return `its command "${program}" has blanks around it: take them away.`;
  if (trimmed.startsWith('~'))
    return `its command begins with "~", which only a shell understands: write the whole path.`;
  return undefined;
}

/** The interpreter that the first line of a script names. */
function interpreterOf(file: string): string | undefined {
  try {
    const [line = ''] = readFileSync(file).subarray(0, 256).toString().split('\n');
    return /^#!\s*(\S+)/.exec(line)?.[1];
  } catch {
    return undefined;
  }
}

function exists(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined;
}

function hint(command: string, name: string): string {
  if (name !== command) return 'Is its path right?';
  return `Is ${COMES_WITH[name] ?? 'it'} on the PATH of this process?`;
}

function codeOf(cause: unknown): string | undefined {
  const { code } = cause as NodeJS.ErrnoException;
  return code;
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}
