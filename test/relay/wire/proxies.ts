/** Starts proxies and downstream servers as processes of their own. */
import { writeFileSync } from 'node:fs';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Wire } from './conversation.ts';
import { temporaryFolder } from '../../harness/temp-folder.ts';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
export const CLI: string = join(ROOT, 'dist/cli.js');
export const RAW: string = join(ROOT, 'test/fixtures/servers/raw.mjs');
const START_MS = 20_000;

/** A config entry for the raw server over stdio. */
export function raw(options: Wire = {}, entry: Wire = {}): Wire {
  return { command: process.execPath, args: [RAW, JSON.stringify(options)], ...entry };
}

/** Writes a config with a state folder of its own. @returns its path. */
export function writeConfig(config: Wire): string {
  const folder = temporaryFolder('test');
  const file = join(folder, 'switchyard.json');
  const whole = {
    log: { level: 'warn' },
    expose: { namespaces: 'none', metaTools: false },
    stateDir: join(folder, 'state'),
    ...config,
  };
  writeFileSync(file, JSON.stringify(whole));
  return file;
}

export interface Running {
  readonly url: string;
  readonly pid: number;
  /** Everything it wrote, both streams. */
  readonly output: () => string;
  stop(): Promise<void>;
}

export function startHttpProxy(config: Wire, env: Record<string, string> = {}): Promise<Running> {
  return start([CLI, 'serve', '--http', '127.0.0.1:0', '--config', writeConfig(config)], env);
}

/** The raw server over HTTP. */
export function startRaw(options: Wire): Promise<Running> {
  return start([RAW, JSON.stringify({ ...options, http: true })]);
}

/** @throws Error with everything it wrote, if it ends or stays silent instead of listening. */
function start(args: readonly string[], env: Record<string, string> = {}): Promise<Running> {
  const child = spawn(process.execPath, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
  });
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  let output = '';
  return new Promise((resolve, reject) => {
    const fail = (what: string): void => {
      child.kill('SIGKILL');
      reject(new Error(`node ${args.join(' ')}: ${what}\n${output}`));
    };
    const timer = setTimeout(() => fail(`not listening after ${START_MS} ms`), START_MS);
    const read = (chunk: Buffer): void => {
      output += chunk.toString();
      const url = /listening (http:\/\/[^\s"]+)/.exec(output)?.[1];
      if (url === undefined) return;
      clearTimeout(timer);
      resolve({
        url,
        pid: child.pid ?? 0,
        output: () => output,
        async stop() {
          child.kill('SIGTERM');
          await ended;
        },
      });
    };
    child.stdout.on('data', read);
    child.stderr.on('data', read);
    child.once('close', (code) => {
      clearTimeout(timer);
      fail(`ended with code ${code}`);
    });
  });
}
