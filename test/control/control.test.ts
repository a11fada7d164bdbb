import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Control, openControl } from '../../src/control/control-server.ts';
import { announceRun, runningProxies } from '../../src/control/run-file.ts';
import { socketPath } from '../../src/control/socket-path.ts';
import { startTimeOf } from '../../src/transport/child-process/process-table.ts';
import { temporaryFolder } from '../harness/temp-folder.ts';

let folder: string;
beforeEach(() => (folder = temporaryFolder('control')));

const quiet = { debug() {}, info() {}, warn() {}, error() {} };

describe('the door of a running proxy', () => {
  let control: Control;
  let path: string;
  beforeEach(async () => {
    path = join(folder, 'door.sock');
    const answers = new Map([
      ['name', (_: unknown, { socket }: { socket: NodeJS.WritableStream }) => void socket.end('it is me\n')],
    ]);
    control = await openControl({ path, answers, keepsAlive: false, staying: 0, log: quiet });
  });
  afterEach(() => control.close());

  async function say(words: string): Promise<string> {
    const socket = connect(path);
    await once(socket, 'connect');
    socket.write(words);
    return text(socket).catch(() => 'cut');
  }

  test('answers what it knows', async () => {
    expect(await say('{"ask":"name"}\n')).toBe('it is me\n');
  });

  test.each(['{"ask":"other"}\n', '{"ask":"__proto__"}\n', 'no JSON\n', '[]\n', '{"ask":1}\n'])(
    'refuses %j and goes on',
    async (words) => {
      expect(JSON.parse(await say(words))).toEqual({ error: 'unknown request' });
      expect(await say('{"ask":"name"}\n')).toBe('it is me\n');
    },
  );

  test('hangs up on a request that is longer than 64 KiB', async () => {
    expect(await say('x'.repeat(200_000))).not.toContain('it is me');
    expect(await say('{"ask":"name"}\n')).toBe('it is me\n');
  });
});

describe('the place of the socket', () => {
  const place = (stateDir: string, env = {}) =>
    socketPath({ stateDir, name: '1', env, platform: process.platform });

  test('is in the state folder', async () => {
    expect(await place(folder)).toBe(join(folder, 'run', '1.sock'));
  });

  test('is elsewhere where that path is too long for a socket, a different one for each state folder', async () => {
    const env = { XDG_RUNTIME_DIR: folder };
    const [one, other] = [join(folder, 'a'.repeat(100)), join(folder, 'b'.repeat(100))];
    const places = [await place(one, env), await place(other, env)];
    expect(new Set(places).size).toBe(2);
    for (const found of places) {
      expect(found.startsWith(folder)).toBe(true);
      expect(Buffer.byteLength(found)).toBeLessThanOrEqual(100);
    }
  });

  test('is refused where others may enter the folder', async () => {
    mkdirSync(join(folder, 'run'), { mode: 0o755 });
    await expect(place(folder)).rejects.toThrow('only this user may enter');
  });
});

describe('the files of running proxies', () => {
  const run = {
    version: '1',
    configId: 'c',
    configFiles: ['/c.json'],
    serves: 'stdio' as const,
    url: 'http://127.0.0.1:1/mcp',
    socket: '/s.sock',
  };

  test('name this process until it takes its file away', async () => {
    const takeAway = await announceRun(folder, run, startTimeOf);
    expect(await runningProxies(folder, startTimeOf)).toMatchObject([{ ...run, pid: process.pid }]);
    await takeAway();
    expect(await runningProxies(folder, startTimeOf)).toEqual([]);
  });

  test('do not name a process that only has the id of one that is gone', async () => {
    await announceRun(folder, run, () => Promise.resolve('another start'));
    expect(await runningProxies(folder, startTimeOf)).toEqual([]);
    expect(readdirSync(join(folder, 'run'))).toEqual([]);
  });

  test.each(['', '{', '[]', '{"pid":1}', '{"pid":1,"lease":"x"}', '{"socket":"/etc/passwd"}'])(
    'are taken away where they are none: %j',
    async (words) => {
      mkdirSync(join(folder, 'run'), { mode: 0o700 });
      writeFileSync(join(folder, 'run', '1.json'), words);
      expect(await runningProxies(folder, startTimeOf)).toEqual([]);
      expect(readdirSync(join(folder, 'run'))).toEqual([]);
    },
  );
});
