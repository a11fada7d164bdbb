/** What is measured: the downstream stub itself, and in front of it a bare relay, the reference, Switchyard. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { httpWire } from './clients/http-wire.ts';
import { type Era, McpClient } from './clients/mcp-client.ts';
import { stdioWire } from './clients/stdio-wire.ts';

export type Carrier = 'stdio' | 'http';
export type Who = 'direct' | 'bare' | 'reference' | 'switchyard';

export interface StubOptions {
  readonly carrier: Carrier;
  readonly era?: Era;
  readonly tools?: number;
  readonly behaviour?: 'echo' | 'hang' | 'flood';
  /** stdio only: before each answer of a tool. */
  readonly delayMs?: number;
  /** stdio only: as long as this file is there, no handshake is answered. */
  readonly mute?: string;
}

export interface ProxyOptions {
  readonly who: Exclude<Who, 'direct'>;
  /** How clients reach it. */
  readonly carrier: Carrier;
  readonly era?: Era;
  /** By config key. */
  readonly servers: Readonly<Record<string, StubOptions>>;
  /** Kept from one start to the next; default: its own, which goes with it. */
  readonly stateDir?: string;
  /** Of Switchyard: further settings, and what each server has in common. */
  readonly config?: object;
  readonly entry?: object;
  /** Do not ask for the list. */
  readonly unlisted?: boolean;
}

/** A running subject with a client that it has greeted. */
export interface Subject {
  readonly client: McpClient;
  /** The process whose cost counts. */
  readonly pid: number;
  /** The names in its list that end with `echo`, by server where it has several. */
  readonly echoes: readonly string[];
  stop(): Promise<void>;
}

const HERE = fileURLToPath(new URL('.', import.meta.url));
const STUBS = { stdio: join(HERE, 'stubs/stdio-server.mjs'), http: join(HERE, 'stubs/http-server.mjs') };
const OTHERS = { bare: join(HERE, 'bare/relay.mjs'), reference: join(HERE, 'reference/aggregator.mjs') };
/** `--cli` measures another build. */
const cli = { path: join(HERE, '../dist/cli.js') };

export function useCli(path: string): void {
  cli.path = path;
}

export async function startStub(options: StubOptions): Promise<Subject> {
  const child = run(stubCommand(options));
  const url = options.carrier === 'http' ? await listening(child) : undefined;
  return subject(child, url, options.era ?? 'legacy', false, []);
}

export async function startProxy(options: ProxyOptions): Promise<Subject> {
  const { who, carrier, era = 'legacy', servers, stateDir = 'state', unlisted = false } = options;
  const folder = mkdtempSync(join(tmpdir(), 'switchyard-bench-'));
  const behind: ChildProcess[] = [];
  const mcpServers: Record<string, unknown> = {};
  for (const [key, stub] of Object.entries(servers)) {
    const [command = '', ...args] = stubCommand(stub);
    if (stub.carrier === 'stdio') mcpServers[key] = { command, args, ...options.entry };
    else {
      const child = run([command, ...args]);
      behind.push(child);
      mcpServers[key] = { url: await listening(child) };
    }
  }
  const config = join(folder, 'switchyard.json');
  writeFileSync(
    config,
    JSON.stringify({ mcpServers, ...(who === 'switchyard' && { stateDir, ...options.config }) }),
  );
  const child = run(proxyCommand(who, carrier, config));
  const url = carrier === 'http' ? await listening(child) : undefined;
  return subject(child, url, era, unlisted, [
    ...behind.map((stub) => () => end(stub)),
    () => rmSync(folder, { recursive: true, force: true }),
  ]);
}

function stubCommand({ carrier, ...options }: StubOptions): string[] {
  const { era = 'legacy', tools = 3, behaviour = 'echo', delayMs, mute } = options;
  return [
    ...[process.execPath, STUBS[carrier], '--era', era, '--tools', String(tools), '--behaviour', behaviour],
    ...(delayMs === undefined ? [] : ['--delay', String(delayMs)]),
    ...(mute === undefined ? [] : ['--mute', mute]),
  ];
}

function proxyCommand(who: Exclude<Who, 'direct'>, carrier: Carrier, config: string): string[] {
  if (who !== 'switchyard')
    return [process.execPath, OTHERS[who], '--config', config, ...(carrier === 'http' ? ['--http'] : [])];
  const http = carrier === 'http' ? ['serve', '--http', '127.0.0.1:0'] : [];
  return [process.execPath, cli.path, ...http, '--config', config];
}

function run([command = '', ...args]: readonly string[]): ChildProcess {
  return spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'] });
}

function listening(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let seen = '';
    child.stderr?.on('data', (chunk: Buffer) => {
      seen += chunk.toString();
      const url = /listening (\S+)/.exec(seen)?.[1];
      if (url !== undefined) resolve(url);
    });
    child.once('exit', () => reject(new Error(`ended before it listened: ${seen}`)));
  });
}

async function subject(
  child: ChildProcess,
  url: string | undefined,
  era: Era,
  unlisted: boolean,
  after: readonly (() => unknown)[],
): Promise<Subject> {
  const { stdin, stdout, stderr, pid } = child;
  if (!stdin || !stdout || pid === undefined) throw new Error('not started');
  stderr?.resume();
  const client = new McpClient(
    url === undefined ? stdioWire(stdin, stdout) : httpWire(url, era === 'modern'),
    era,
  );
  const gone = new Promise<never>((_, reject) => {
    child.once('exit', (code) => reject(new Error(`${child.spawnargs.join(' ')} ended with ${code}`)));
  });
  gone.catch(() => {
    // An end after the greeting is no trouble of the start.
  });
  const echoes = await Promise.race([gone, client.greet().then(() => (unlisted ? [] : echoesOf(client)))]);
  return {
    client,
    pid,
    echoes,
    async stop() {
      client.close();
      await end(child);
      for (const work of after) await work();
    },
  };
}

/** Waits for a server that is still coming up. */
async function echoesOf(client: McpClient): Promise<string[]> {
  for (;;) {
    const names = [...(await client.list()).matchAll(/"name":"(\w*echo)"/g)].map(
      (match) => match[1] as string,
    );
    if (names.length > 0) return names;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

function end(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) return resolve();
    child.once('exit', () => resolve());
    child.stdin?.end();
    setTimeout(() => child.kill('SIGKILL'), 3000).unref();
    // Over HTTP the end of its input says nothing to a proxy.
    setTimeout(() => child.kill('SIGTERM'), 200).unref();
  });
}
