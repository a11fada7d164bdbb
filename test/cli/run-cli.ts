/** Runs the built command line as a user does, and collects what it says. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

const CLI = fileURLToPath(new URL('../../dist/cli.js', import.meta.url));

export interface Said {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
  /** Of another build. */
  readonly cli?: string;
}

export async function runCli(args: readonly string[], options: RunOptions = {}): Promise<Said> {
  const child = startCli(args, options);
  child.stdin?.end(options.input ?? '');
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout as NodeJS.ReadableStream),
    text(child.stderr as NodeJS.ReadableStream),
    once(child, 'close') as Promise<[number | null]>,
  ]);
  return { code, stdout, stderr };
}

/** With pipes for all three streams. */
export function startCli(args: readonly string[], { cwd, env, cli = CLI }: RunOptions = {}): ChildProcess {
  return spawn(process.execPath, [cli, ...args], {
    stdio: 'pipe',
    env: { PATH: process.env['PATH'], HOME: cwd, ...env },
    ...(cwd === undefined ? {} : { cwd }),
  });
}
