/**
 * The real proxy as a process, in front of misbehaving servers, and the usual post-check after each case: nothing
 * logged as an error, files and children back to where they were, every call answered exactly once, and nobody
 * left behind.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, vi } from 'vitest';
import { Ledger, type RpcMessage } from './ledger.ts';
import { isRunning, openFiles, processesWith } from './processes.ts';
import { until } from './until.ts';
import { temporaryFolder } from './temp-folder.ts';

const CLI = fileURLToPath(new URL('../../dist/cli.js', import.meta.url));
const CASE_VARIABLE = 'SWITCHYARD_TEST_CASE';

// Real processes on a machine that may have more to do.
vi.setConfig({ testTimeout: 15_000, hookTimeout: 20_000 });

export type Entry = Readonly<Record<string, unknown>>;

export interface ProxyOptions {
  /** The rest of the config. */
  readonly config?: Entry;
  /** Serve HTTP instead of stdio. */
  readonly http?: boolean;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** A folder that outlives the proxy; default: one of its own. */
  readonly folder?: string;
  /** Do not wait until all servers are up. */
  readonly unready?: boolean;
  readonly capabilities?: Entry;
  /** The mark of its children; the same as an earlier proxy's, their entries are the same to the letter. */
  readonly mark?: string;
}

const proxies: ProxyUnderTest[] = [];

afterEach(async () => {
  // The last one first: it may share its mark with an earlier one.
  const checked: PromiseSettledResult<void>[] = [];
  for (const proxy of proxies.splice(0).reverse())
    checked.push(...(await Promise.allSettled([proxy.postCheck()])));
  for (const one of checked) if (one.status === 'rejected') throw one.reason;
});

/** An entry of the config for the misbehaving server over stdio. */
export function server(options: Entry = {}, entry: Entry = {}): Entry {
  const script = fileURLToPath(new URL('../fixtures/faults/stdio.mjs', import.meta.url));
  return { command: process.execPath, args: [script, JSON.stringify(options)], stopGraceMs: 300, ...entry };
}

/** Starts the proxy, greets it (over stdio), and waits until all its servers are up. */
export async function startProxy(
  servers: Readonly<Record<string, Entry>>,
  options: ProxyOptions = {},
): Promise<ProxyUnderTest> {
  const proxy = new ProxyUnderTest(servers, options);
  proxies.push(proxy);
  if (options.http) await proxy.listening();
  else if (!options.unready) await proxy.greet(options.capabilities);
  if (!options.unready) await proxy.allReady(Object.keys(servers).length);
  return proxy;
}

/** The proxy's own: they stand behind the servers' in every list. */
export const OWN_TOOLS: ReadonlySet<string> = new Set([
  'proxy_status',
  'run_workflow',
  'workflow_runs',
  'resume_workflow',
  'cancel_workflow',
]);

export class ProxyUnderTest {
  readonly child: ChildProcess;
  readonly pid: number;
  readonly ledger = new Ledger();
  /** All that came over stdio, in order. */
  readonly messages: RpcMessage[] = [];
  readonly folder: string;
  readonly startedAt = performance.now();
  readonly #caseId: string;
  readonly #runFile: string;
  #stderr = '';
  #url: string | undefined;
  #filesAtFirst: number | undefined;
  readonly exited: Promise<number | string | null>;
  #excusedLog: RegExp | undefined;

  constructor(servers: Readonly<Record<string, Entry>>, options: ProxyOptions) {
    this.folder = options.folder ?? temporaryFolder('case');
    this.#caseId = options.mark ?? randomUUID();
    const file = join(this.folder, 'switchyard.json');
    const entries = Object.entries(servers).map(([key, entry]) => [key, this.#marked(entry)]);
    const config = {
      stateDir: join(this.folder, 'state'),
      ...options.config,
      mcpServers: Object.fromEntries(entries),
    };
    writeFileSync(file, JSON.stringify(config));
    const args = options.http ? ['serve', '--http', '127.0.0.1:0'] : [];
    const { NODE_OPTIONS: _, ...env } = process.env;
    this.child = spawn(process.execPath, [CLI, ...args, ...(options.args ?? []), '--config', file], {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...env, ...options.env, [CASE_VARIABLE]: this.#caseId },
    });
    this.pid = this.child.pid as number;
    this.#runFile = join(config.stateDir, 'run', `${this.pid}.json`);
    this.exited = once(this.child, 'exit').then(([code, signal]) => (code ?? signal) as number | string);
    this.child.stderr?.on('data', (chunk: Buffer) => (this.#stderr += chunk.toString()));
    this.child.stdin?.on('error', () => {});
    this.child.stdout?.on('error', () => {});
    createInterface({ input: this.child.stdout as NodeJS.ReadableStream }).on('line', (line) => {
      const message = JSON.parse(line) as RpcMessage;
      this.messages.push(message);
      this.ledger.answered(message);
    });
  }

  #marked(entry: Entry): Entry {
    if (entry['command'] === undefined) return entry;
    return { ...entry, env: { ...(entry['env'] as Entry | undefined), [CASE_VARIABLE]: this.#caseId } };
  }

  get gone(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null;
  }

  get stderr(): string {
    return this.#stderr;
  }

  /** The records of the log. */
  get log(): Record<string, unknown>[] {
    return this.#stderr
      .split('\n')
      .filter((line) => line.startsWith('{') && line.endsWith('}'))
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  }

  /** Every process that the proxy started and that still runs, children's children too. */
  get descendants(): number[] {
    return processesWith(CASE_VARIABLE, this.#caseId).filter((pid) => pid !== this.pid);
  }

  send(text: string): void {
    this.child.stdin?.write(text + '\n');
  }

  /** Sends a request. @returns its id. */
  ask(method: string, params: Entry = {}, id: number | string = this.ledger.nextId()): number | string {
    this.ledger.asked(id);
    this.send(JSON.stringify({ jsonrpc: '2.0', id, method, params }));
    return id;
  }

  askTool(name: string, args: Entry = {}, extra: Entry = {}): number | string {
    return this.ask('tools/call', { name, arguments: args, ...extra });
  }

  answer(id: number | string, withinMs = 5000): Promise<RpcMessage> {
    const known = (): string => `Log:\n${this.#stderr.slice(-3000)}`;
    const answer = (): RpcMessage | undefined => {
      const found = this.ledger.answerTo(id);
      if (!found && this.gone) throw new Error(`the proxy ended before it answered ${id}. ${known()}`);
      return found;
    };
    return until(`the answer to ${id}`, answer, withinMs, known);
  }

  request(method: string, params: Entry = {}, withinMs?: number): Promise<RpcMessage> {
    return this.answer(this.ask(method, params), withinMs);
  }

  call(name: string, args: Entry = {}, withinMs?: number): Promise<RpcMessage> {
    return this.answer(this.askTool(name, args), withinMs);
  }

  notify(method: string, params: Entry = {}): void {
    this.send(JSON.stringify({ jsonrpc: '2.0', method, params }));
  }

  clientNotifications(method: string): RpcMessage[] {
    return this.messages.filter((message) => message.method === method);
  }

  async greet(capabilities: Entry = {}): Promise<RpcMessage> {
    const clientInfo = { name: 'cases', version: '1' };
    const params = { protocolVersion: '2025-11-25', capabilities, clientInfo };
    // It waits for servers, too.
    const answer = await this.request('initialize', params, 10_000);
    this.notify('notifications/initialized');
    return answer;
  }

  async toolNames(): Promise<string[]> {
    const { result } = await this.request('tools/list', {}, 10_000);
    return (result?.['tools'] as { name: string }[])
      .map(({ name }) => name)
      .filter((name) => !OWN_TOOLS.has(name));
  }

  /** What `proxy_status` says of a server. */
  async status(name: string): Promise<Record<string, unknown>> {
    const { result } = await this.call('proxy_status');
    const { servers } = result?.['structuredContent'] as { servers: Record<string, unknown>[] };
    return servers.find((one) => one['server'] === name) ?? {};
  }

  logged(
    fits: (record: Record<string, unknown>) => boolean,
    withinMs = 5000,
  ): Promise<Record<string, unknown>> {
    return until(
      'a record in the log',
      () => this.log.find(fits),
      withinMs,
      () => this.#stderr.slice(-3000),
    );
  }

  /** Waits until so many servers have come up; takes the number of open files then as the one to come back to. */
  async allReady(count: number): Promise<void> {
    const ready = (): boolean =>
      this.log.filter(({ msg }) => msg === 'downstream server is ready').length >= count;
    await until(`${count} servers to come up`, ready, 10_000, () => this.#stderr.slice(-3000));
    // Its socket opens a moment after the start, and stays.
    await until(
      'the door for commands',
      () => existsSync(this.#runFile),
      10_000,
      () => this.#stderr,
    );
    this.#filesAtFirst = openFiles(this.pid);
  }

  /** Its address, once it listens. */
  async listening(): Promise<string> {
    const find = (): string | undefined => /^listening (\S+)$/m.exec(this.#stderr)?.[1];
    return (this.#url ??= await until('the proxy to listen', find, 10_000, () => this.#stderr));
  }

  get url(): string {
    return this.#url as string;
  }

  exitedWithin(ms: number): Promise<number | string | null> {
    return Promise.race([
      this.exited,
      new Promise<never>((_, reject) =>
        setTimeout(
          () => reject(new Error(`still running after ${ms} ms\n${this.#stderr.slice(-3000)}`)),
          ms,
        ).unref(),
      ),
    ]);
  }

  /** Ends it as its client would. @returns the exit code. */
  async stop(withinMs = 5000): Promise<number | string | null> {
    if (this.#url === undefined) this.child.stdin?.end();
    else this.child.kill('SIGTERM');
    return await this.exitedWithin(withinMs);
  }

  /** The one record of the log that may be an error, or the exit other than 0. */
  excuse(log: RegExp): void {
    this.#excusedLog = log;
  }

  async postCheck(): Promise<void> {
    try {
      if (!this.gone) {
        await this.#backToNormal();
        expect(await this.stop()).toBe(0);
      }
      await until(
        'all children to be gone',
        () => this.descendants.length === 0,
        3000,
        () => this.#who(),
      );
      expect(this.ledger.unbalanced).toEqual([]);
      const lines = this.#stderr.split('\n').filter((line) => line !== '' && !line.startsWith('listening '));
      const bad = lines.filter((line) => !line.startsWith('{') || line.includes('"level":"error"'));
      expect(bad.filter((line) => !this.#excusedLog?.test(line))).toEqual([]);
    } finally {
      this.child.kill('SIGKILL');
      for (const pid of this.descendants) process.kill(pid, 'SIGKILL');
    }
  }

  /** Files as many as at first, or fewer; no call open. */
  async #backToNormal(): Promise<void> {
    await until(
      'all answers',
      () => this.ledger.open === 0,
      5000,
      () => this.ledger.unbalanced.join(', '),
    );
    const atFirst = this.#filesAtFirst;
    if (atFirst === undefined) return;
    const files = (): boolean => openFiles(this.pid) <= atFirst;
    await until(
      'open files to be as at first',
      files,
      5000,
      () => `at first ${atFirst}, now ${openFiles(this.pid)}`,
    );
  }

  #who(): string {
    return this.descendants
      .filter(isRunning)
      .map((pid) => `${pid}: ${readFileSync(`/proc/${pid}/cmdline`, 'latin1').replaceAll('\0', ' ')}`)
      .join('\n');
  }
}

/** The text of a tool's result. */
export function textOf({ result, error }: RpcMessage): string {
  if (error) return `error ${error.code}: ${error.message}`;
  const content = result?.['content'] as { text?: string }[] | undefined;
  return content?.[0]?.text ?? '';
}

/** What a failure of the proxy's own says: `{ code, server, delivered }`. */
export function failureOf({ result, error }: RpcMessage): Record<string, unknown> | undefined {
  if (error) return error.data;
  return (result?.['_meta'] as Record<string, Record<string, unknown>> | undefined)?.['switchyard/error'];
}
