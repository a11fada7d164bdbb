/** What servers are told of the clients behind a connection, over HTTP and for clients that attach. */
import { type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { isRunning, processesWith } from '../harness/processes.ts';
import { until } from '../harness/until.ts';
import { startCli } from '../cli/run-cli.ts';
import {
  type LegacyHttpClient,
  legacyHttpClient,
  modernHttpClient,
  modernStdioClient,
  stdioClient,
} from '../relay/wire/clients.ts';
import { Conversation, told, type Wire } from '../relay/wire/conversation.ts';
import { raw, type Running, startHttpProxy, startRaw, writeConfig } from '../relay/wire/proxies.ts';
import { temporaryFolder } from '../harness/temp-folder.ts';

// Real servers as real processes.
vi.setConfig({ testTimeout: 30_000, hookTimeout: 30_000 });

const ROOT = join(import.meta.dirname, '../..');
const FILES = join(ROOT, 'node_modules/@modelcontextprotocol/server-filesystem/dist/index.js');
const files = { command: process.execPath, args: [FILES] };
const able = (what = '', entry: Wire = {}): Wire => ({
  command: process.execPath,
  args: [join(ROOT, 'test/fixtures/servers/by-capabilities.mjs'), what],
  ...entry,
});

let folder: string;
let stops: (() => Promise<unknown>)[];

beforeEach(() => {
  folder = temporaryFolder('capabilities');
  for (const who of ['one', 'two']) {
    mkdirSync(join(folder, who));
    writeFileSync(join(folder, who, 'a.txt'), `of ${who}`);
  }
  stops = [];
});

afterEach(async () => {
  for (const stop of stops.reverse()) await stop();
});

async function proxyOf(mcpServers: Wire, more: Wire = {}): Promise<Running> {
  const expose = { namespaces: 'always', metaTools: false };
  const proxy = await startHttpProxy({ mcpServers, expose, ...more });
  stops.push(() => proxy.stop());
  return proxy;
}

async function client(proxy: Running, capabilities: Wire, options: Wire = {}): Promise<LegacyHttpClient> {
  const its = await legacyHttpClient(proxy.url, { capabilities, ...options });
  stops.push(() => its.vanish());
  return its;
}

function answersRoots(its: Conversation, who: string): void {
  const asked = its.all('roots/list');
  const result = { roots: [{ uri: pathToFileURL(join(folder, who)).href }] };
  its.onQuestion = ({ method }) => (method === 'roots/list' ? result : undefined);
  // It may have been asked while it was greeted.
  for (const { id } of asked) its.send({ id, result });
}

async function withRoots(proxy: Running, who: string): Promise<LegacyHttpClient> {
  const its = await client(proxy, { roots: {} });
  answersRoots(its, who);
  return its;
}

/** The server takes a moment to ask for the roots; until then nothing is allowed. */
async function read(its: Conversation, who: string): Promise<string> {
  const args = { path: join(folder, who, 'a.txt') };
  const once = async (): Promise<string> =>
    (await its.call('files__read_text_file', args))['content'][0].text as string;
  let text = await once();
  const end = Date.now() + 3000;
  while (text.startsWith('Access denied') && Date.now() < end) text = await once();
  return text;
}

const capabilitiesTold = async (its: Conversation, server = 'able'): Promise<Wire> =>
  told(await its.call(`${server}__told`)) as Wire;
const pidOf = async (its: Conversation, server = 'able'): Promise<number> =>
  told(await its.call(`${server}__pid`)) as number;

describe('the roots of a client over HTTP', () => {
  test('U78 reach the real filesystem server, which reads what the client may read', async () => {
    const one = await withRoots(await proxyOf({ files }), 'one');
    expect(await read(one, 'one')).toBe('of one');
  });

  test('are its own: of two clients each reads its own folder and not the other’s', async () => {
    const proxy = await proxyOf({ files });
    const [one, two] = [await withRoots(proxy, 'one'), await withRoots(proxy, 'two')];
    expect([await read(one, 'one'), await read(two, 'two')]).toEqual(['of one', 'of two']);
    for (const [its, other] of [
      [one, 'two'],
      [two, 'one'],
    ] as const) {
      const args = { path: join(folder, other, 'a.txt') };
      expect((await its.call('files__read_text_file', args))['content'][0].text).toContain('Access denied');
    }
  });

  test('are known to a connection of its own before its first call is sent on it', async () => {
    const proxy = await proxyOf({ files });
    const one = await withRoots(proxy, 'one');
    expect(await read(one, 'one')).toBe('of one');
    const two = await withRoots(proxy, 'two');
    const first = await two.call('files__read_text_file', { path: join(folder, 'two', 'a.txt') });
    expect(first['content'][0].text).toBe('of two');
  });

  test('leave with it: who comes next is asked anew', async () => {
    const proxy = await proxyOf({ files });
    const one = await withRoots(proxy, 'one');
    expect(await read(one, 'one')).toBe('of one');
    await one.leave();
    const two = await withRoots(proxy, 'two');
    expect(await read(two, 'two')).toBe('of two');
    const args = { path: join(folder, 'one', 'a.txt') };
    expect((await two.call('files__read_text_file', args))['content'][0].text).toContain('Access denied');
  });

  test('are asked for once the client is there, where the servers were started before it', async () => {
    const state = join(folder, 'state');
    const first = await proxyOf({ files }, { stateDir: state });
    const before = await withRoots(first, 'one');
    expect(await read(before, 'one')).toBe('of one');
    await first.stop();
    const again = await proxyOf({ files }, { stateDir: state });
    await until('its servers to be up', async () => (await readiness(again)) === 200);
    expect(await read(await withRoots(again, 'two'), 'two')).toBe('of two');
  });

  test('changes of them are told to the connection that knows them', async () => {
    const one = await client(await proxyOf({ files }), { roots: { listChanged: true } });
    answersRoots(one, 'one');
    expect(await read(one, 'one')).toBe('of one');
    answersRoots(one, 'two');
    one.notify('notifications/roots/list_changed');
    expect(await read(one, 'two')).toBe('of two');
  });

  test('are not asked for before the client has been greeted', async () => {
    const one = await withRoots(await proxyOf({ able: able('roots') }), 'one');
    await until('the roots', async () => (told(await one.call('able__roots')) as string[]).length === 1);
    const asked = one.messages.findIndex(({ method }) => method === 'roots/list');
    expect(asked).toBeGreaterThan(one.messages.findIndex(({ id }) => id === 'init'));
  });
});

describe('the roots of a modern client', () => {
  /** Answers what is asked, round by round. */
  async function calls(its: Conversation, path: string): Promise<Wire> {
    const args = { name: 'files__read_text_file', arguments: { path } };
    const first = await its.request('tools/call', args);
    if (first['resultType'] !== 'input_required') return first;
    const roots = [{ uri: pathToFileURL(join(folder, 'one')).href }];
    const inputResponses = Object.fromEntries(
      Object.keys(first['inputRequests'] as Wire).map((key) => [key, { roots }]),
    );
    return its.request('tools/call', { ...args, inputResponses, requestState: first['requestState'] });
  }

  test('U78 are asked with its first call, which then reads what it may', async () => {
    const proxy = await proxyOf({ files });
    const modern = modernHttpClient(proxy.url, { capabilities: { roots: {} } });
    stops.push(() => modern.vanish());
    await modern.request('tools/list');
    const read = await calls(modern, join(folder, 'one', 'a.txt'));
    expect(read['content'][0].text).toBe('of one');
    expect((await calls(modern, join(folder, 'two', 'a.txt')))['content'][0].text).toContain('Access denied');
  });

  test('are asked over stdio, too', async () => {
    const modern = modernStdioClient(
      { mcpServers: { files }, expose: { namespaces: 'always' } },
      { capabilities: { roots: {} } },
    );
    stops.push(() => modern.close());
    await modern.request('tools/list');
    expect((await calls(modern, join(folder, 'one', 'a.txt')))['content'][0].text).toBe('of one');
  });
});

describe('a server that does what its client can', () => {
  test('U78 answers plainly where the client cannot sample, and asks the model of the one that can', async () => {
    const proxy = await proxyOf({ able: able() });
    const plain = await client(proxy, {});
    const sampling = await client(proxy, { sampling: {} });
    sampling.onQuestion = () => ({
      role: 'assistant',
      model: 'm',
      content: { type: 'text', text: 'by a model' },
    });
    expect(told(await plain.call('able__summarize'))).toBe('plain');
    expect(told(await sampling.call('able__summarize'))).toBe('by a model');
    expect(await capabilitiesTold(plain)).toEqual({});
    expect(await capabilitiesTold(sampling)).toEqual({ sampling: {} });
  });

  test('lists for each client what it lists for a client like it, also at the first list', async () => {
    const proxy = await proxyOf({ able: able() });
    const names = async (its: Conversation): Promise<string[]> =>
      (await its.request('tools/list'))['tools'].map(({ name }: Wire) => name as string);
    const sampling = await client(proxy, { sampling: {} });
    expect(await names(sampling)).toContain('able__sample');
    const plain = await client(proxy, {});
    expect(await names(plain)).not.toContain('able__sample');
  });

  test('is told the same by a modern client', async () => {
    const proxy = await proxyOf({ able: able() });
    const modern = modernHttpClient(proxy.url, { capabilities: { elicitation: { form: {} } } });
    stops.push(() => modern.vanish());
    expect(await capabilitiesTold(modern)).toEqual({ elicitation: { form: {} } });
    expect(told(await modern.call('able__summarize'))).toBe('plain');
  });

  test('is told over stdio what the one client there can', async () => {
    const its = await stdioClient(
      { mcpServers: { able: able() }, expose: { namespaces: 'always' } },
      { roots: {} },
    );
    stops.push(() => its.close());
    expect(await capabilitiesTold(its)).toEqual({ roots: {} });
  });
});

describe('connections of clients with capabilities', () => {
  test('are one for all that can do the same, and one more for those that differ', async () => {
    const proxy = await proxyOf({ able: able() });
    const alike = { sampling: {}, roots: { listChanged: true } };
    const same = { roots: { listChanged: true }, sampling: {} };
    const [a, b, c, d] = [
      await client(proxy, alike),
      await client(proxy, same),
      await client(proxy, { elicitation: {} }),
      await client(proxy, { elicitation: {} }),
    ];
    const pids = await Promise.all([a, b, c, d].map((its) => pidOf(its)));
    expect(pids[0]).toBe(pids[1]);
    expect(pids[2]).toBe(pids[3]);
    expect(new Set(pids).size).toBe(2);
  });

  test('are those that are there where clients come one after the other and differ', async () => {
    const proxy = await proxyOf({ able: able() });
    const a = await client(proxy, { sampling: {} });
    const first = await pidOf(a);
    await a.leave();
    const b = await client(proxy, { elicitation: { form: {} } });
    expect(await capabilitiesTold(b)).toEqual({ elicitation: { form: {} } });
    await until('the first to end', () => !isRunning(first));
  });

  test('that are still coming up for nobody come up first, and are opened anew then', async () => {
    const log = join(folder, 'log');
    const script = join(ROOT, 'test/fixtures/servers/by-capabilities.mjs');
    const shell = `echo started >> ${log}; trap "echo killed >> ${log}; exit" TERM; sleep 1; exec "$0" "${script}"`;
    const proxy = await proxyOf({ able: { command: 'sh', args: ['-c', shell, process.execPath] } });
    const its = await client(proxy, { sampling: {} });
    await expect.poll(() => capabilitiesTold(its), { timeout: 10_000 }).toEqual({ sampling: {} });
    expect(readFileSync(log, 'utf8').trim().split('\n')).toEqual(['started', 'started']);
  });

  test('are open when a proxy is started again and a client of the same kind comes', async () => {
    const web = await startRaw({});
    stops.push(() => web.stop());
    const servers = { web: { type: 'http', url: web.url } };
    const state = join(folder, 'state');
    for (let run = 1; run <= 2; run++) {
      const proxy = await proxyOf(servers, { stateDir: state });
      await until('its server to be up', async () => (await readiness(proxy)) === 200);
      await (await client(proxy, { sampling: {} })).call('web__echo');
      await proxy.stop();
    }
    const requests = (await (await fetch(`${web.url}/requests`)).json()) as Wire[];
    const greetings = requests.filter(
      ({ method, headers }) =>
        method === 'POST' && !headers['mcp-session-id'] && headers['mcp-method'] !== 'server/discover',
    );
    // Two in the first run, where nothing was known of the client.
    expect(greetings).toHaveLength(3);
  });

  test('are told apart by what capabilities mean, not by how they are spelt', async () => {
    const proxy = await proxyOf({ able: able() });
    const a = await client(proxy, { elicitation: {}, experimental: {} });
    const b = await client(proxy, { elicitation: { form: {} }, extensions: {} });
    expect(await pidOf(a)).toBe(await pidOf(b));
  });

  test('with "shared" are told what the first client can, without its roots', async () => {
    const proxy = await proxyOf({ able: able('', { connections: 'shared' }) });
    const a = await client(proxy, { roots: {}, sampling: {} });
    const b = await client(proxy, {});
    expect(await capabilitiesTold(a)).toEqual({ sampling: {} });
    expect(await pidOf(b)).toBe(await pidOf(a));
  });

  test('beyond limits.processes are refused with a sentence that names the limit, and the others go on', async () => {
    const proxy = await proxyOf({ able: able() }, { limits: { processes: 1 } });
    const a = await client(proxy, { sampling: {} });
    await pidOf(a);
    const b = await client(proxy, {});
    const refused = await b.call('able__pid');
    expect(refused['isError']).toBe(true);
    expect(refused['content'][0].text).toContain('limits.processes');
    await pidOf(a);
  });
});

describe('clients that attach', () => {
  let config: string;
  const entries: ChildProcess[] = [];

  async function entry(capabilities: Wire): Promise<Conversation> {
    const child = startCli(['serve', '--attach', '--config', config], { cwd: folder });
    entries.push(child);
    const its = new Conversation((message) => child.stdin?.write(`${JSON.stringify(message)}\n`));
    child.stdin?.on('error', () => {});
    createInterface({ input: child.stdout as NodeJS.ReadableStream }).on('line', (line) =>
      its.receive(JSON.parse(line) as Wire),
    );
    const clientInfo = { name: 'test', version: '1' };
    await its.request('initialize', { protocolVersion: '2025-11-25', capabilities, clientInfo }, 'init');
    its.notify('notifications/initialized');
    return its;
  }

  afterEach(async () => {
    for (const child of entries.splice(0)) {
      child.stdin?.end();
      if (child.exitCode === null) await once(child, 'exit');
    }
    await until('all of it to end', () => processesWith('HOME', folder).length === 0, 8000);
  });

  test('U78 have their roots asked by the real filesystem server, and sampling only where they can', async () => {
    config = writeConfig({
      mcpServers: { files, able: able() },
      expose: { namespaces: 'always', metaTools: false },
      stateDir: join(folder, 'state'),
      idleExitMs: 100,
    });
    const one = await entry({ roots: {} });
    answersRoots(one, 'one');
    expect(await read(one, 'one')).toBe('of one');
    expect(told(await one.call('able__summarize'))).toBe('plain');
    const two = await entry({ roots: {} });
    answersRoots(two, 'two');
    expect(await read(two, 'two')).toBe('of two');
    expect(await pidOf(two)).toBe(await pidOf(one));
  });
});

describe('answers that are kept for all clients', () => {
  test('are kept for each by itself once a server knows the roots of one', async () => {
    const cache = { tools: ['roots'], scope: 'shared' };
    const proxy = await proxyOf({ able: able('roots', { cache }) });
    const roots = async (its: Conversation): Promise<string> => {
      let found: string[] = [];
      await until('the roots', async () => {
        found = told(await its.call('able__roots', { at: Date.now() })) as string[];
        return found.length === 1;
      });
      return (told(await its.call('able__roots')) as string[])[0] ?? '';
    };
    const [one, two] = [await withRoots(proxy, 'one'), await withRoots(proxy, 'two')];
    expect(await roots(one)).toMatch(/one$/);
    expect(await roots(two)).toMatch(/two$/);
    expect(await roots(one)).toMatch(/one$/);
  });
});

describe('a client that is asked for its roots and says nothing', () => {
  test('waits a moment with its first call, and not with the next', async () => {
    const its = await client(await proxyOf({ able: able('roots') }), { roots: {} }, { stream: false });
    for (let i = 0; i < 3; i++) expect(told(await its.call('able__roots'))).toEqual([]);
  });
});

describe('a question that nobody is here for', () => {
  test('does not part the clients that come later', async () => {
    const onReady = [{ jsonrpc: '2.0', id: 'early', method: 'roots/list' }];
    const proxy = await proxyOf({ raw: raw({ onReady }) });
    const who = async (its: Conversation): Promise<number> => told(await its.call('raw__whoami')) as number;
    await until('its server to be up', async () => (await readiness(proxy)) === 200);
    const [a, b] = [await client(proxy, {}), await client(proxy, {})];
    expect(await who(a)).toBe(await who(b));
  });
});

async function readiness({ url }: Running): Promise<number> {
  return (await fetch(new URL('/readyz', url))).status;
}
