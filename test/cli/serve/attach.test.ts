/** Clients whose entry is `serve --attach`: real entries as processes, one proxy behind them. */
import { type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import type { Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { openConversation } from '../../../src/control/control-client.ts';
import { isRunning, openFiles, processesWith } from '../../harness/processes.ts';
import { until } from '../../harness/until.ts';
import { Conversation, told, type Wire } from '../../relay/wire/conversation.ts';
import { raw } from '../../relay/wire/proxies.ts';
import { runCli, startCli } from '../run-cli.ts';
import { temporaryFolder } from '../../harness/temp-folder.ts';

// Real processes on a machine that may have more to do.
vi.setConfig({ testTimeout: 30_000, hookTimeout: 30_000 });

const ROOT = join(import.meta.dirname, '../../..');
const FAULTS = join(ROOT, 'test/fixtures/faults/stdio.mjs');
const FORM = { message: 'Who?', requestedSchema: { type: 'object', properties: {} } };
const elicit = { method: 'elicitation/create', params: FORM };

interface Entry extends Conversation {
  readonly child: ChildProcess;
  readonly stderr: () => string;
  /** Ends its input. @returns the exit code. */
  leave(): Promise<number | null>;
}

interface Run {
  readonly pid: number;
  readonly serves: string;
  readonly socket: string;
  readonly version: string;
}

let folder: string;
let config: string;
let entries: ChildProcess[];

beforeEach(() => {
  folder = temporaryFolder('attach');
  config = join(folder, 'switchyard.json');
  entries = [];
  writeConfig();
});

afterEach(async () => {
  for (const child of entries) child.kill('SIGKILL');
  const left = processesWith('HOME', folder);
  for (const pid of left) stop(pid);
  await until('all of it to end', () => !left.some(isRunning), 8000);
});

function stop(pid: number): void {
  try {
    process.kill(pid, 'SIGTERM');
  } catch {
    // Those that were killed above end meanwhile.
  }
}

function writeConfig(more: Wire = {}): void {
  const whole = {
    mcpServers: {
      pipe: raw(),
      own: raw({}, { connections: 'per-client' }),
      who: { command: process.execPath, args: [FAULTS, '{}'] },
      mine: { command: process.execPath, args: [FAULTS, '{}'], connections: 'per-client' },
    },
    stateDir: join(folder, 'state'),
    idleExitMs: 300,
    expose: { namespaces: 'always', metaTools: false },
    ...more,
  };
  writeFileSync(config, JSON.stringify(whole));
}

/** A client's entry, as the client starts it; says nothing yet. */
function spawnEntry(args: readonly string[] = [], cli?: string): Entry {
  const child = startCli(['serve', '--attach', '--config', config, ...args], {
    cwd: folder,
    ...(cli !== undefined && { cli }),
  });
  entries.push(child);
  let stderr = '';
  child.stderr?.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  child.stdin?.on('error', () => {});
  const conversation = new Conversation((message) => child.stdin?.write(`${JSON.stringify(message)}\n`));
  createInterface({ input: child.stdout as NodeJS.ReadableStream }).on('line', (line) =>
    conversation.receive(JSON.parse(line) as Wire),
  );
  const exited = once(child, 'exit').then(([code]) => code as number | null);
  return Object.assign(conversation, {
    child,
    stderr: () => stderr,
    leave() {
      child.stdin?.end();
      return exited;
    },
  });
}

/** One that has greeted, under this name. */
async function entry(name = 'test', args: readonly string[] = [], cli?: string): Promise<Entry> {
  const client = spawnEntry(args, cli);
  const clientInfo = { name, version: '1' };
  const capabilities = { elicitation: { form: {} } };
  await client
    .request('initialize', { protocolVersion: '2025-11-25', capabilities, clientInfo }, 'init')
    .catch((error: unknown) => {
      throw new Error(client.stderr(), { cause: error });
    });
  client.notify('notifications/initialized');
  return client;
}

function runs(): Run[] {
  const place = join(folder, 'state', 'run');
  if (!existsSync(place)) return [];
  return readdirSync(place)
    .filter((name) => name.endsWith('.json'))
    .flatMap((name) => runIn(join(place, name)));
}

/** None where it was withdrawn meanwhile. */
function runIn(file: string): Run[] {
  try {
    return [JSON.parse(readFileSync(file, 'utf8')) as Run];
  } catch {
    return [];
  }
}

const serverPid = async (client: Conversation, server: string): Promise<number> =>
  told(await client.call(`${server}__pid`)) as number;

test('the first list of the first client waits for what has never been listed', async () => {
  writeConfig({
    mcpServers: {
      quick: { command: process.execPath, args: [FAULTS, '{}'] },
      slow: { command: process.execPath, args: [FAULTS, '{"initDelayMs":2000,"instructions":"Be slow."}'] },
    },
  });
  const client = spawnEntry();
  const identity = {
    protocolVersion: '2025-11-25',
    capabilities: {},
    clientInfo: { name: 'codex-mcp-client' },
  };
  const { instructions } = (await client.request('initialize', identity)) as { instructions: string };
  client.notify('notifications/initialized');
  expect(instructions).toContain('Be slow.');
  const { tools } = (await client.request('tools/list')) as { tools: { name: string }[] };
  expect(tools.map(({ name }) => name)).toContain('slow__echo');
  expect(await client.leave()).toBe(0);
});

describe('clients that attach', () => {
  test('share one proxy and one process of each server, which start with the first of them', async () => {
    expect(runs()).toEqual([]);
    const clients = [await entry('Claude'), await entry('Cursor'), await entry('Zed')];

    const pids = await Promise.all(clients.map((client) => serverPid(client, 'who')));
    const { stdout } = await runCli(['status', '--json', '--config', config], { cwd: folder });

    expect(new Set(pids).size).toBe(1);
    const names = [{ name: 'Claude' }, { name: 'Cursor' }, { name: 'Zed' }];
    expect(JSON.parse(stdout)).toMatchObject([{ serves: 'shared', clients: names }]);
  });

  test('G05 are sessions of their own: ids, progress, questions, connections of their own', async () => {
    const [a, b] = [await entry(), await entry()];
    const step = (client: Conversation, text: string): Promise<Wire> =>
      client.call('pipe__progress', { steps: 6, text, pauseMs: 5 }, { progressToken: 1 }, 'same');
    const texts = await Promise.all([step(a, 'of a'), step(b, 'of b')]);
    expect(texts.map(({ content }) => content[0].text as string)).toEqual(['of a', 'of b']);
    for (const [client, text] of [
      [a, 'of a'],
      [b, 'of b'],
    ] as const)
      expect(client.all('notifications/progress').map(({ params }) => params.message as string)).toEqual(
        Array(6).fill(text),
      );
    const asked = [a, b].map((client, i) => {
      client.onQuestion = () => ({ action: 'accept', content: { who: i } });
      return client.call('own__ask', { questions: [elicit] }, undefined, 'ask');
    });
    const answers = (await Promise.all(asked)).map(({ structuredContent }) => structuredContent.answers[0]);
    expect(answers).toEqual([0, 1].map((who) => ({ result: { action: 'accept', content: { who } } })));
    expect(await serverPid(a, 'mine')).not.toBe(await serverPid(b, 'mine'));
  });

  test('get one proxy even if ten of them start at the same moment', async () => {
    const clients = await Promise.all(Array.from({ length: 10 }, () => entry()));
    const pids = await Promise.all(clients.map((client) => serverPid(client, 'who')));
    expect(new Set(pids).size).toBe(1);
    expect(runs()).toMatchObject([{ serves: 'shared' }]);
  });

  test('leave it running when one of them is killed, and the others do not notice', async () => {
    const [a, b] = [await entry(), await entry()];
    // Their own connections are up.
    for (const client of [a, b])
      await Promise.all(
        ['own__echo', 'mine__echo', 'pipe__echo', 'who__echo'].map((tool) => client.call(tool)),
      );
    const files = openFiles((runs()[0] as Run).pid);
    const c = await entry();
    await c.call('pipe__echo');
    const slow = b.call('pipe__progress', { steps: 10, pauseMs: 20, text: 'b' });
    c.child.kill('SIGKILL');
    expect((await slow)['content'][0].text).toBe('b');
    await a.call('pipe__echo');
    await until('its files to be closed', () => openFiles((runs()[0] as Run).pid) <= files);
  });

  test('end it a while after the last of them has left, with all that it started', async () => {
    const [a, b] = [await entry(), await entry()];
    const [{ pid }] = runs() as [Run];
    const server = await serverPid(a, 'who');
    expect([await a.leave(), isRunning(pid), await b.leave()]).toEqual([0, true, 0]);
    await until('its end', () => !isRunning(pid) && !isRunning(server));
    const left = readdirSync(join(folder, 'state', 'run'), { recursive: true });
    // Where it was elected is a folder that stays.
    expect(left).toEqual([expect.stringMatching(/^shared-\w+$/)]);
  });

  test('find it still there within idleExitMs', async () => {
    writeConfig({ idleExitMs: 60_000 });
    const a = await entry();
    const server = await serverPid(a, 'who');
    await a.leave();
    expect(await serverPid(await entry(), 'who')).toBe(server);
  });

  test('of another part of the config have another proxy', async () => {
    const [whole, part] = [await entry(), await entry('part', ['--servers', 'pipe'])];
    const names = async (client: Conversation): Promise<string[]> =>
      (await client.request('tools/list'))['tools'].map(({ name }: Wire) => name as string);
    await until('both servers', async () => (await names(whole)).some((name) => name.startsWith('own__')));
    expect((await names(part)).filter((name) => name.startsWith('own__'))).toEqual([]);
    expect(runs()).toHaveLength(2);
  });
});

describe('a shared proxy', () => {
  test('that is killed ends its entries with an error, and the next client starts another', async () => {
    const a = await entry();
    const [{ pid }] = runs() as [Run];
    const exited = once(a.child, 'exit');
    process.kill(pid, 'SIGKILL');
    expect(await exited).toEqual([1, null]);
    expect(a.stderr()).toContain('the shared proxy is gone');
    const b = await entry();
    await b.call('pipe__echo');
    expect(runs().map((run) => run.pid)).not.toContain(pid);
  });

  test('takes no more clients once the config differs in what only a restart can bring', async () => {
    const old = await entry('old');
    const [before] = runs() as [Run];
    await old.call('pipe__echo');
    writeConfig({ retryBudget: { min: 7 } });
    await until('it to withdraw', () => runs().length === 0, 8000);

    const client = await entry('new');
    const [after] = runs() as [Run];
    await Promise.all([old.call('pipe__echo'), client.call('pipe__echo')]);

    expect(after.pid).not.toBe(before.pid);
    await old.leave();
    await until('the old one to end', () => !isRunning(before.pid));
    await client.call('pipe__echo');
  });

  test('of an older version is replaced when a newer one is installed', async () => {
    const old = await entry('old');
    const [before] = runs() as [Run];
    const newer = join(folder, 'newer');
    mkdirSync(newer);
    cpSync(join(ROOT, 'dist'), join(newer, 'dist'), { recursive: true });
    symlinkSync(join(ROOT, 'node_modules'), join(newer, 'node_modules'));
    const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as Wire;
    writeFileSync(join(newer, 'package.json'), JSON.stringify({ ...manifest, version: '99.0.0' }));

    const client = await entry('new', [], join(newer, 'dist/cli.js'));

    await until('the old one to withdraw', () => runs().length === 1);
    expect(runs()).toMatchObject([{ version: '99.0.0' }]);
    await Promise.all([old.call('pipe__echo'), client.call('pipe__echo')]);
    await old.leave();
    await until('the old one to end', () => !isRunning(before.pid));
  });

  test('that cannot be had is replaced by a proxy of the client’s own, with a warning', async () => {
    mkdirSync(join(folder, 'state', 'run'), { recursive: true });
    chmodSync(join(folder, 'state', 'run'), 0o755);
    const client = await entry();
    expect((await client.call('pipe__echo'))['isError']).toBeFalsy();
    expect(client.stderr()).toContain('no shared proxy can be had');
    expect(client.stderr()).toContain('this client gets its own');
  });

  test('that has as many clients as it may is left alone: the next client gets its own, and a warning by what', async () => {
    const first = await entry('first');
    const others: Socket[] = [];
    for (const { socket } of runs())
      for (let count = 1; count < 64; count++) {
        const { socket: other, answer } = await openConversation(socket, { ask: 'attach' });
        expect(answer).toEqual({ attached: true });
        others.push(other);
      }
    const second = await entry('second');
    expect((await second.call('pipe__echo'))['isError']).toBeFalsy();
    expect(second.stderr()).toContain('the shared proxy has 64 clients already');
    expect(await serverPid(second, 'who')).not.toBe(await serverPid(first, 'who'));
    for (const other of others) other.destroy();
    await first.leave();
    const third = await entry('third');
    expect(third.stderr()).not.toContain('this client gets its own');
  });

  test('is not for a proxy that serves HTTP: the two options exclude each other', async () => {
    const { code, stderr } = await runCli(['serve', '--attach', '--http', '0', '--config', config], {
      cwd: folder,
    });
    expect({ code, stderr }).toEqual({ code: 2, stderr: '--http and --attach exclude each other.\n' });
  });
});
