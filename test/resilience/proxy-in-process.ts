import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished } from 'vitest';
import { templateFaults } from '../../src/routing/composed-templates.ts';
import { loadConfig } from '../../src/config/load/load-config.ts';
import type { Call } from '../../src/core/call.ts';
import { ProxyError } from '../../src/core/errors.ts';
import { at, Json } from '../../src/json/json.ts';
import { createProxy } from '../../src/proxy/create-proxy.ts';
import { callOf } from '../harness/builders.ts';
import { temporaryFolder } from '../harness/temp-folder.ts';

const SERVER = fileURLToPath(new URL('../fixtures/servers/ledger-server.mjs', import.meta.url));

/** A proxy in this process, in front of real ones that write down what they do and fail on demand. */
export interface ProxyInProcess {
  readonly folder: string;
  readonly log: {
    readonly level: string;
    readonly message: string;
    readonly facts: Record<string, unknown>;
  }[];
  call(tool: string, args?: object, more?: Partial<Call>): Promise<Json>;
  /** `answered`, or the code of the failure. */
  outcome(tool: string, args?: object, more?: Partial<Call>): Promise<string>;
  /** Which server answered. */
  who(tool: string, args?: object, more?: Partial<Call>): Promise<string>;
  fault(server: string, how: string): void;
  /** `key tool server`, one for each call that was run. */
  readonly ledger: readonly string[];
  /** Waits until these servers are up and in the catalog. */
  ready(...servers: string[]): Promise<void>;
  status(server: string): Promise<Record<string, unknown>>;
  /** The Prometheus text. */
  metrics(): Promise<string>;
  request(method: string, name: string, params: object): Promise<Json>;
}

export function server(
  name: string,
  folder: string,
  ...tools: string[]
): { command: string; args: string[] } {
  return { command: process.execPath, args: [SERVER, name, folder, ...tools] };
}

export async function proxyWith(make: (folder: string) => object): Promise<ProxyInProcess> {
  const folder = temporaryFolder('inside');
  const file = join(folder, 'switchyard.json');
  writeFileSync(file, JSON.stringify({ stateDir: join(folder, 'state'), ...make(folder) }));
  const env = { PATH: process.env['PATH'] };
  const config = await loadConfig({
    files: [file],
    checkTemplates: async () => templateFaults,
    env,
    cwd: folder,
    homeDir: folder,
    platform: process.platform,
  });
  const log: ProxyInProcess['log'] = [];
  const record = (level: string) => (facts: object, message: string) =>
    void log.push({ level, message, facts: { ...facts } });
  const logger = {
    debug: record('debug'),
    info: record('info'),
    warn: record('warn'),
    error: record('error'),
  };
  const proxy = await createProxy({ config, version: '0', exclusive: false, env, log: logger });
  onTestFinished(() => proxy.close());
  const call: ProxyInProcess['call'] = (tool, args = {}, more = {}) =>
    proxy.served.handle(callOf(tool, { args, ...more })).then();
  const status: ProxyInProcess['status'] = async (name) => {
    const result = await call('proxy_status', { server: name });
    return (at(result.value, 'structuredContent', 'servers') as Record<string, unknown>[])[0] ?? {};
  };
  return {
    folder,
    log,
    call,
    outcome: (tool, args, more) =>
      call(tool, args, more).then(
        () => 'answered',
        (error: unknown) => (error instanceof ProxyError ? error.code : String(error)),
      ),
    who: async (tool, args, more) =>
      String(at((at((await call(tool, args, more)).value, 'content') as unknown[])[0], 'text')),
    fault: (name, how) => writeFileSync(join(folder, `${name}.fault`), how),
    get ledger() {
      const path = join(folder, 'ledger');
      return existsSync(path) ? readFileSync(path, 'utf8').trimEnd().split('\n') : [];
    },
    status,
    async ready(...servers) {
      const isUp = async (name: string): Promise<boolean> => {
        const { state, tools } = await status(name);
        return state === 'ready' && Number(tools) > 0;
      };
      await expect
        .poll(async () => (await Promise.all(servers.map(isUp))).every(Boolean), { timeout: 10_000 })
        .toBe(true);
    },
    metrics: async () => (await proxy.metrics?.text()) ?? '',
    request: (method, name, params) =>
      proxy.served.handle({ ...callOf(name), method, params: Json.of(params) }).then(),
  };
}
