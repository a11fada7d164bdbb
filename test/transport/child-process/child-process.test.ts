import { chmodSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, test } from 'vitest';
import { openChildProcess } from '../../../src/transport/child-process/child-process.ts';
import type { ChildProcessOptions } from '../../../src/transport/child-process/options.ts';
import type { ChildProcessLink } from '../../../src/transport/child-process/child-process.ts';
import { gone, isRunning } from '../../harness/processes.ts';
import { LinkProbe, request } from '../link-probe.ts';
import { temporaryFolder } from '../../harness/temp-folder.ts';

const MIB = 1024 * 1024;
const opened: ChildProcessLink[] = [];

afterEach(async () => {
  await Promise.all(opened.splice(0).map((link) => link.close()));
});

interface Opened {
  readonly link: ChildProcessLink;
  readonly probe: LinkProbe;
}

function open(fixture: string, changes: Partial<ChildProcessOptions> = {}): Opened {
  const probe = new LinkProbe();
  const link = openChildProcess({
    describe: 'github',
    command: process.execPath,
    args: [fileURLToPath(new URL(`../../fixtures/children/${fixture}.mjs`, import.meta.url))],
    env: { PATH: process.env['PATH'] ?? '' },
    stopGraceMs: 1000,
    limits: { messageBytes: 10 * MIB, queueBytes: 8 * MIB, stderrBytes: 16 * 1024, stderrLinesPerSecond: 50 },
    ...changes,
  })(probe);
  opened.push(link);
  return { link, probe };
}

describe('messages of a child process', () => {
  test('come back in the order in which they were sent', async () => {
    const { link, probe } = open('echo');
    for (let id = 0; id < 100; id++) link.send(request(id, 'echo', { n: id }));
    expect(await probe.answer(99)).toEqual({ n: 99 });
    expect(probe.messages.map((text) => (JSON.parse(text) as { id: number }).id)).toEqual([
      ...Array(100).keys(),
    ]);
  });

  test('A07 pass while banner lines are skipped and counted', async () => {
    const { link, probe } = open('echo');
    link.send(request(1, 'banner'));
    expect(await probe.answer(1)).toBe('after the banner');
    expect(probe.oddities).toHaveLength(3);
    expect(probe.messages).toHaveLength(1);
  });

  test('A09 too large cost only the call they answer', async () => {
    const { link, probe } = open('echo');
    link.send(request(1, 'large', { bytes: 64 * MIB, idFirst: true }));
    link.send(request(2, 'large', { bytes: 11 * MIB, idFirst: false }));
    link.send(request(3, 'echo', 'neighbour'));
    expect(await probe.answer(3, 15_000)).toBe('neighbour');
    expect(probe.failures.get(1)).toMatchObject({
      code: 'RESULT_TOO_LARGE',
      delivered: true,
      server: 'github',
    });
    expect(probe.failures.get(2)).toMatchObject({ code: 'RESULT_TOO_LARGE' });
    expect(probe.ends).toEqual([]);
  });

  test('A09 pass under a higher limit', async () => {
    const { link, probe } = open('echo', {
      limits: { messageBytes: 80 * MIB, queueBytes: 8 * MIB, stderrBytes: 1024, stderrLinesPerSecond: 50 },
    });
    link.send(request(1, 'large', { bytes: 11 * MIB, idFirst: false }));
    expect(await probe.answer(1, 15_000)).toMatchObject({ id: 77 });
  });

  test('A10 arrive to the letter when they come byte by byte', async () => {
    const { link, probe } = open('echo');
    const text = 'grüße 🦊 line\u2028separator \u2029 日本';
    link.send(request(1, 'bytes', { text }));
    expect(await probe.answer(1)).toBe(text);
    expect(probe.messages).toHaveLength(1);
    expect(probe.messages[0]).not.toContain('\r');
  });

  test('A11 to one that does not read are refused beyond the limit', async () => {
    const { link, probe } = open('deaf');
    await probe.notice('ready');
    const payload = 'x'.repeat(64 * 1024);
    for (let id = 0; id < 5000; id++) {
      link.send(request(id, 'echo', payload));
      if (id % 100 === 0) await new Promise(setImmediate);
    }
    await probe.until(() => probe.failures.has(4999));
    const [refused] = probe.failures.values();
    expect(refused).toMatchObject({ code: 'BUSY', delivered: false, server: 'github' });
    expect(probe.failures.size).toBeGreaterThan(4800);
    expect(probe.ends).toEqual([]);
  });

  test('are told of in a later turn when they are refused', async () => {
    const { link, probe } = open('deaf', {
      limits: { messageBytes: 1024, queueBytes: 10, stderrBytes: 1024, stderrLinesPerSecond: 50 },
    });
    link.send(request(1, 'echo'));
    link.send(request(2, 'echo'));
    expect(probe.failures.size).toBe(0);
    await probe.until(() => probe.failures.has(2));
    expect(probe.failures.has(1)).toBe(false);
  });
});

describe('a child process that dies', () => {
  test('A01 is told of once and at once, with 20 requests in flight', async () => {
    const { link, probe } = open('echo');
    link.send(request(0, 'pid'));
    const pid = (await probe.answer(0)) as number;
    for (let id = 1; id <= 20; id++) link.send(request(id, 'hang'));
    await new Promise(setImmediate);
    process.kill(pid, 'SIGKILL');
    const error = await probe.end(1000);
    expect(error).toMatchObject({ code: 'DOWNSTREAM_FAILED', delivered: 'unknown', server: 'github' });
    expect(error?.message).toBe('"github" was ended by SIGKILL.');
    await link.close();
    expect(probe.ends).toHaveLength(1);
  });

  test('still has its last answer delivered', async () => {
    const { link, probe } = open('echo');
    link.send(request(1, 'lastWords'));
    const error = await probe.end();
    expect(await probe.answer(1)).toBe('last');
    expect(error?.message).toBe('"github" ended with exit code 3.');
  });

  test('A03 counts as dead while a grandchild holds its pipe, and the grandchild is ended', async () => {
    const { link, probe } = open('wrapper');
    const [leader, grandchild] = (await probe.notice('ready')) as [number, number];
    link.send(request(1, 'die'));
    const error = await probe.end(1000);
    expect(error).toMatchObject({ code: 'DOWNSTREAM_FAILED', delivered: 'unknown' });
    expect(await gone(grandchild)).toBe(true);
    expect(isRunning(leader)).toBe(false);
  });

  test('A05 in startup is told of with the last lines, without secrets, frames and paths', async () => {
    const { link, probe } = open('fails', { secrets: ['hunter2secret'] });
    link.send(request(1, 'initialize'));
    const error = await probe.end();
    expect(error).toMatchObject({ code: 'DOWNSTREAM_UNAVAILABLE', delivered: 'unknown' });
    expect(error?.message).toBe(
      '"github" did not start: it ended with exit code 1. It said: Reading the settings | ' +
        'Error: token [redacted] was refused, password [redacted] too',
    );
    expect(link.stderrTail()).not.toMatch(/hunter2|ghp_/);
  });

  test('is told of when it only closes its output', async () => {
    const { link, probe } = open('echo');
    link.send(request(1, 'pid'));
    const pid = (await probe.answer(1)) as number;
    link.send(request(2, 'closeOutput'));
    expect((await probe.end())?.message).toBe('"github" closed its output.');
    expect(await gone(pid)).toBe(true);
  });

  test('says nothing more after it was told of', async () => {
    const { link, probe } = open('fails');
    await probe.end();
    link.send(request(1, 'echo'));
    await link.close();
    await new Promise(setImmediate);
    expect(probe.failures.size).toBe(0);
    expect(probe.ends).toHaveLength(1);
  });
});

describe('a child process that cannot start', () => {
  test('A06 for want of the command names it', async () => {
    const { link, probe } = open('echo', { command: 'npx', env: { PATH: '/nowhere' } });
    link.send(request(1, 'initialize'));
    const error = await probe.end();
    expect(error).toMatchObject({ code: 'DOWNSTREAM_UNAVAILABLE', delivered: false, server: 'github' });
    expect(error?.message).toBe(
      '"github" did not start: the command "npx" was not found. Is Node on the PATH of this process?',
    );
    expect(link.pid).toBeUndefined();
  });

  test('A06 since it may not be executed says so, without its path', async () => {
    const folder = temporaryFolder('child-process');
    const command = join(folder, 'server');
    writeFileSync(command, '#!/bin/sh\n');
    chmodSync(command, 0o644);
    const error = await open('echo', { command }).probe.end();
    expect(error?.message).toBe(
      '"github" did not start: the command "server" may not be executed. Is it a program, and may this user run it?',
    );
  });

  test('A06 in a folder that is not there blames the folder', async () => {
    const error = await open('echo', { cwd: '/nowhere/at/all' }).probe.end();
    expect(error?.message).toBe('"github" did not start: its working directory does not exist. Check "cwd".');
  });

  test('A06 for arguments that no system takes is told of, not thrown', async () => {
    const error = await open('echo', { args: ['a\0b'] }).probe.end();
    expect(error).toMatchObject({ code: 'DOWNSTREAM_UNAVAILABLE', delivered: false });
  });
});

describe('stopping a child process', () => {
  test('ends one that follows the end of its input, without an error', async () => {
    const ended: number[] = [];
    const { link, probe } = open('echo', { onEnd: (pid) => ended.push(pid) });
    link.send(request(1, 'pid'));
    const pid = (await probe.answer(1)) as number;
    await Promise.all([link.close(), link.close()]);
    expect(isRunning(pid)).toBe(false);
    expect(probe.ends).toEqual([undefined]);
    expect(ended).toEqual([pid]);
  });

  test('A02 takes the grandchild of a wrapper along', async () => {
    const { link, probe } = open('wrapper');
    const [leader, grandchild] = (await probe.notice('ready')) as [number, number];
    await link.close();
    expect([isRunning(leader), isRunning(grandchild)]).toEqual([false, false]);
  });

  test('A04 takes bounded time when it ignores the end of its input and SIGTERM', async () => {
    const { link, probe } = open('stubborn', { stopGraceMs: 200 });
    await probe.notice('ready');
    const pid = link.pid as number;
    const since = performance.now();
    await link.close();
    expect(performance.now() - since).toBeGreaterThan(390);
    expect(isRunning(pid)).toBe(false);
    expect(probe.ends).toEqual([undefined]);
  });
});

describe('a command that only a shell would understand', () => {
  test.each([
    ['node /x/server.mjs', 'holds blanks: put the program ("node") into command and the rest into args'],
    ['"npx" -y x', 'holds blanks: put the program ("npx")'],
    ['"npx"', 'stands in quotes of its own'],
    ['npx ', 'has blanks around it'],
    ['~/bin/server', 'begins with "~"'],
    ['TOKEN=abcdefgh npx x', 'sets "TOKEN": put variables into env'],
    [tmpdir(), 'is a folder'],
    ['server', '"server" was not found. Is it on the PATH'],
  ])('%s is told as what it is', async (command, expected) => {
    const error = await open('echo', { command }).probe.end();
    expect(error?.message).toContain(expected);
    expect(error?.message).not.toContain('abcdefgh');
  });

  test('a script whose interpreter is not there names the interpreter, and not itself', async () => {
    const folder = temporaryFolder('child-process');
    const command = join(folder, 'server');
    writeFileSync(command, '#!/opt/nowhere/python3\n', { mode: 0o755 });
    const error = await open('echo', { command }).probe.end();
    expect(error?.message).toContain('first line of "server" names (/opt/nowhere/python3) is not there');
  });

  test('a working directory that is a file is told as one', async () => {
    const error = await open('echo', { cwd: fileURLToPath(import.meta.url) }).probe.end();
    expect(error?.message).toContain('its working directory is a file');
  });
});

describe('what npm says when it fails', () => {
  test('is told from its cause on, and not from its end', async () => {
    const lines = [
      'code ECONNREFUSED',
      'errno ECONNREFUSED',
      'request to http://127.0.0.1:1/x failed',
      '',
      '',
      '',
    ];
    const text = [...lines, 'See: npm help config', 'A complete log of this run can be found in: /x']
      .map((line) => `npm error ${line}`)
      .join('\n');
    const args = ['-e', `process.stderr.write(${JSON.stringify(text)}, () => process.exit(1))`];
    const error = await open('echo', { args }).probe.end();
    expect(error?.message).toContain('It said: npm error code ECONNREFUSED | npm error request to http');
    expect(error?.message).not.toContain('complete log');
  });
});

describe('stderr of a child process', () => {
  test('A08 is drained however much comes, and its end kept', async () => {
    const lines: string[] = [];
    let leftOut = 0;
    const { link, probe } = open('echo', {
      onStderr(line, lost) {
        lines.push(line);
        leftOut += lost;
      },
    });
    link.send(request(1, 'stderr', { bytes: 50 * MIB }));
    expect(await probe.answer(1, 20_000)).toBe('done');
    await link.close();
    expect(link.stderrTail().length).toBeLessThanOrEqual(16 * 1024);
    expect(link.stderrTail().endsWith('the last line\n')).toBe(true);
    // Fifty a second at most, and a last call that only counts.
    expect(lines.length).toBeLessThan(1100);
    expect(leftOut + lines.filter(Boolean).length).toBeGreaterThan(430_000);
  }, 30_000);
});

describe('the environment of a child process', () => {
  test('A17 is exactly what was given', async () => {
    process.env['PROXY_SECRET'] = 'never-to-be-seen';
    const env = { ONLY: 'this', PATH: process.env['PATH'] ?? '' };
    const { link, probe } = open('echo', { env });
    link.send(request(1, 'env'));
    expect(await probe.answer(1)).toEqual(env);
    delete process.env['PROXY_SECRET'];
  });
});
