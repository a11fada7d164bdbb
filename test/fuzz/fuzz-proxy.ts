/** The real proxy as a process that serves stdio and HTTP at once, in front of raw downstreams. */
import { type ChildProcess, spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { temporaryFolder } from '../harness/temp-folder.ts';

const START_MS = 20_000;

export interface FuzzProxy {
  readonly url: string;
  write(line: string): void;
  /** @returns a function that takes the listener off. */
  onLine(listener: (line: string) => void): () => void;
  /** What the proxy logged as its own mistake. */
  readonly mistakes: readonly string[];
  readonly alive: boolean;
  close(): Promise<void>;
}

export async function startFuzzProxy(servers: Readonly<Record<string, object>>): Promise<FuzzProxy> {
  const folder = temporaryFolder('fuzz');
  const config = join(folder, 'switchyard.json');
  await writeFile(config, JSON.stringify({ mcpServers: servers, stateDir: join(folder, 'state') }));
  const cli = process.env['SWITCHYARD_CLI'] ?? 'dist/cli.js';
  const child = spawn(process.execPath, [
    cli,
    'serve',
    '--http',
    '127.0.0.1:0',
    '--stdio',
    '--config',
    config,
  ]);
  child.stdin.on('error', () => {});
  const listeners = new Set<(line: string) => void>();
  createInterface({ input: child.stdout }).on('line', (line) => {
    for (const listener of [...listeners]) listener(line);
  });
  const mistakes: string[] = [];
  const url = await listening(child, mistakes);
  await ready(url);
  return {
    url,
    mistakes,
    write: (line) => void child.stdin.write(`${line}\n`),
    onLine(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    get alive() {
      return child.exitCode === null && child.signalCode === null;
    },
    async close() {
      const closed = new Promise((resolve) => child.once('close', resolve));
      const timer = setTimeout(() => child.kill('SIGKILL'), 10_000);
      if (child.exitCode === null && child.kill('SIGTERM')) await closed;
      clearTimeout(timer);
    },
  };
}

function listening(child: ChildProcess, mistakes: string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const said: string[] = [];
    const fail = (): void => reject(new Error(`the proxy did not start: ${said.join('\n')}`));
    const timer = setTimeout(fail, START_MS);
    child.once('close', fail);
    if (!child.stderr) return fail();
    createInterface({ input: child.stderr }).on('line', (line) => {
      if (said.length < 100) said.push(line);
      if (/"level":"(?:error|fatal)"/.test(line) || !/^(?:\{|listening )/.test(line)) mistakes.push(line);
      const url = /^listening (\S+)$/.exec(line)?.[1];
      if (url === undefined) return;
      clearTimeout(timer);
      resolve(url);
    });
  });
}

async function ready(url: string): Promise<void> {
  const deadline = performance.now() + START_MS;
  while (performance.now() < deadline) {
    const { status } = await fetch(new URL('/readyz', url));
    if (status === 200) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error('not all servers came up');
}
