/** The sentences for a child process that did not start, or is gone. */
import { statSync } from 'node:fs';
import { basename } from 'node:path';
import { ProxyError } from '../core/errors.ts';
import { lastWords } from '../core/redact.ts';

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
  /** What happened: "ended with exit code 1". */
  readonly what: string;
  /** The end of stderr, cleaned. */
  readonly stderr: string;
  /** Whether it ever sent a message. */
  readonly spoke: boolean;
  /** Whether a message was handed to the process. */
  readonly wrote: boolean;
}

export function ended({ server, what, stderr, spoke, wrote }: Ending): ProxyError {
  const words = lastWords(stderr);
  const said = words === '' ? '' : ` It said: ${words}`;
  return new ProxyError(spoke ? 'DOWNSTREAM_FAILED' : 'DOWNSTREAM_UNAVAILABLE', {
    message: spoke ? `"${server}" ${what}.${said}` : `"${server}" did not start: it ${what}.${said}`,
    server,
    delivered: wrote ? 'unknown' : false,
  });
}

export function exitOf(code: number | null, signal: NodeJS.Signals | null): string {
  return code === null ? `was ended by ${signal ?? 'a signal'}` : `ended with exit code ${code}`;
}

function reasonOf({ command, cwd, cause }: StartFailure): string {
  const code = codeOf(cause);
  const name = basename(command.replaceAll('\\', '/'));
  // spawn reports a missing working directory as a missing command.
  if (cwd !== undefined && !isDirectory(cwd)) return 'its working directory does not exist. Check "cwd".';
  if (code === 'ENOENT') return `the command "${name}" was not found. ${hint(command, name)}`;
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
