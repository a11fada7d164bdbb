/** Programs that fetch another one: known by their command line, and given the time to clean up. */
import { chmodSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Cancellation } from '../../../src/core/cancellation.ts';
import { openChildProcess } from '../../../src/transport/child-process/child-process.ts';
import type { ChildProcessOptions } from '../../../src/transport/child-process/options.ts';
import {
  brokenCache,
  brokenCacheSentence,
  brokenFolderIn,
} from '../../../src/transport/child-process/package-cache.ts';
import { packageRunner } from '../../../src/transport/child-process/package-runners.ts';
import { openProcessRecord, sweepProcesses } from '../../../src/transport/child-process/process-record.ts';
import { startTimeOf } from '../../../src/transport/child-process/process-table.ts';
import { until } from '../../harness/until.ts';
import { isRunning } from '../../harness/processes.ts';
import { LinkProbe } from '../link-probe.ts';
import { temporaryFolder } from '../../harness/temp-folder.ts';

const log = { debug() {}, info() {}, warn() {}, error() {} };

describe('a command line that fetches a package', () => {
  test.each([
    ['npx -y @scope/server /data', 'npx'],
    ['/opt/node/bin/npx -y x', 'npx'],
    ['npx.cmd -y x', 'npx'],
    ['npm exec -y x', 'npm exec'],
    ['npm --silent --prefix /x exec x', 'npm exec'],
    ['pnpm dlx x', 'pnpm dlx'],
    ['pnpm --package=y dlx x', 'pnpm dlx'],
    ['yarn dlx x', 'yarn dlx'],
    ['bunx x', 'bunx'],
    ['bun x y', 'bun x'],
    ['deno run -A npm:x', 'deno run'],
    ['uvx mcp-server-git', 'uvx'],
    ['uv --directory /x run server.py', 'uv run'],
    ['uv tool run x', 'uv tool run'],
    ['pipx run x', 'pipx run'],
    ['docker run -i --rm mcp/x', 'docker run'],
    ['docker --context far run -i x', 'docker run'],
    ['podman container run x', 'podman container run'],
    ['go run example.org/x@latest', 'go run'],
    ['env A=1 npx x', 'npx'],
    ['/usr/bin/env -S npx -y x', 'npx'],
    ['cmd /c npx -y x', 'npx'],
    ['cmd.exe /d /s /c npx.cmd -y x', 'npx'],
    ['corepack pnpm dlx x', 'pnpm dlx'],
    ['node /usr/lib/node_modules/npm/bin/npx-cli.js x', 'npx'],
    ['python3 -m uv run x', 'uv run'],
    ['timeout 60 uvx x', 'uvx'],
  ])('is found in %s', (line, name) => {
    const [command = '', ...args] = line.split(' ');
    expect(packageRunner(command, args)?.name).toBe(name);
  });

  test('is found in what a shell is told', () => {
    for (const script of [
      'npx -y x',
      'cd /x && exec npx x',
      'export A="b c"; A=1 npx x',
      '. ~/.nvm/nvm.sh\nnpx x',
    ])
      expect(packageRunner('bash', ['-lc', script])?.name).toBe('npx');
  });

  test.each([
    'node server.mjs npx',
    'python -m server',
    'npm start',
    'npm run exec',
    'docker exec -i box server',
    'docker start -ai box',
    'uv pip list',
    'go version run',
    'my-npx x',
    'env A=1 node server.mjs',
    'sh -c server',
    'deno lsp',
    'yarn start',
  ])('is not found in %s', (line) => {
    const [command = '', ...args] = line.split(' ');
    expect(packageRunner(command, args)).toBeUndefined();
  });
});

describe('a package that was not unpacked whole', () => {
  const of = (text: string): string | undefined => brokenCache(text)?.folder;

  test.each([
    [
      "Error [ERR_MODULE_NOT_FOUND]: Cannot find package 'zod' imported from /home/u/.npm/_npx/15b07286cbcc3329/node_modules/x/dist/index.js",
      '/home/u/.npm/_npx/15b07286cbcc3329',
    ],
    [
      "node:internal/modules/cjs/loader:1\nError: Cannot find module './lib'\nRequire stack:\n- /home/u/.npm/_npx/15b07286cbcc3329/node_modules/y/index.js\n  code: 'MODULE_NOT_FOUND'",
      '/home/u/.npm/_npx/15b07286cbcc3329',
    ],
    [
      'npm error code ENOENT\nnpm error path /c/_npx/15b07286cbcc3329/package.json',
      '/c/_npx/15b07286cbcc3329',
    ],
    [
      "Cannot find module 'C:\\Users\\u\\AppData\\Local\\npm-cache\\_npx\\15b07286cbcc3329\\node_modules\\x\\a.js'",
      'C:\\Users\\u\\AppData\\Local\\npm-cache\\_npx\\15b07286cbcc3329',
    ],
    [
      'Traceback\n  File "/home/u/.cache/uv/archive-v0/Ab3dEf6hIj/lib/python3.12/site-packages/x/__init__.py", line 1\nModuleNotFoundError: No module named \'mcp\'',
      '/home/u/.cache/uv/archive-v0/Ab3dEf6hIj',
    ],
    [
      "Error: Cannot find module '/home/u/.cache/pnpm/dlx/a1b2c3d4e5f6/node_modules/x/i.js'",
      '/home/u/.cache/pnpm/dlx/a1b2c3d4e5f6',
    ],
  ])('is found in %s', (text, folder) => {
    expect(of(text)).toBe(folder);
    const broken = brokenCache(text);
    expect(broken && brokenFolderIn(`"x" did not start. ${brokenCacheSentence(broken)} It said: y`)).toEqual(
      broken,
    );
  });

  test('is not suspected where a whole one fails, or where the folder is none of a runner', () => {
    expect(
      of('Error: no API key\n    at /home/u/.npm/_npx/15b07286cbcc3329/node_modules/x/i.js:1'),
    ).toBeUndefined();
    expect(of("Error: Cannot find module '/home/u/server/index.js'")).toBeUndefined();
    expect(of("Error: Cannot find module '/home/u/_npx/docs/index.js'")).toBeUndefined();
  });
});

describe('a package runner that has not answered', () => {
  let folder: string;
  let journal: string;
  const pids: number[] = [];
  const fixture = fileURLToPath(new URL('../../fixtures/children/slow-to-end.mjs', import.meta.url));

  beforeEach(() => {
    folder = temporaryFolder('runner');
    journal = join(folder, 'journal');
  });

  afterEach(() => {
    for (const pid of pids.splice(0)) if (isRunning(pid)) process.kill(-pid, 'SIGKILL');
  });

  const done = (): string[] => (existsSync(journal) ? readFileSync(journal, 'utf8').trim().split('\n') : []);

  function start(
    name: string,
    changes: Partial<ChildProcessOptions> = {},
    cleanUpMs = 700,
  ): { close: () => Promise<void>; ended: number[]; whySilent: () => string } {
    const program = join(folder, name);
    writeFileSync(program, `#!/bin/sh\nexec "${process.execPath}" "${fixture}" "${journal}" ${cleanUpMs}\n`);
    chmodSync(program, 0o755);
    const ended: number[] = [];
    const link = openChildProcess({
      describe: 'memory',
      command: program,
      args: ['-y', 'some-server'],
      env: { PATH: process.env['PATH'] ?? '', ...changes.env },
      stopGraceMs: 50,
      limits: { messageBytes: 1e6, queueBytes: 1e6, stderrBytes: 16_384, stderrLinesPerSecond: 50 },
      onEnd: (pid) => ended.push(pid),
      ...changes,
    })(new LinkProbe());
    if (link.pid !== undefined) pids.push(link.pid);
    return { close: () => link.close(), ended, whySilent: () => link.whySilent?.() ?? '' };
  }

  test('is told to end, and not killed before it has cleaned up', async () => {
    const runner = start('npx');
    await until('it to be at work', () => done().includes('at work'));
    await runner.close();
    expect(done().filter((what) => what !== 'went on')).toEqual([
      'at work',
      'no input',
      'told to end',
      'cleaned up',
    ]);
    expect(runner.ended).toEqual(pids);
  });

  test('is killed after its grace where it fetches nothing', async () => {
    const plain = start('server');
    await until('it to be at work', () => done().includes('at work'));
    await plain.close();
    expect(done()).not.toContain('cleaned up');
  });

  test('goes on by itself when its proxy goes, with somebody who reads what it says', async () => {
    const leaving = new Cancellation();
    const runner = start('uvx', { leaving });
    await until('it to be at work', () => done().includes('at work'));
    leaving.cancel('the proxy goes');
    await runner.close();
    expect(runner.ended).toEqual([]);
    await until('the end of its input', () => done().includes('no input'));
    const [pid = 0] = pids;
    await until('it to go on', () => done().includes('went on'));
    expect(isRunning(pid)).toBe(true);
    expect(done()).toEqual(['at work', 'no input', 'went on']);
  });

  test('is not waited for any longer when its proxy goes while it cleans up', async () => {
    const leaving = new Cancellation();
    const runner = start('npx', { leaving }, 60_000);
    await until('it to be at work', () => done().includes('at work'));
    const closed = runner.close();
    await until('the signal', () => done().includes('told to end'));
    leaving.cancel('the proxy goes');
    await closed;
    expect(isRunning(pids[0] ?? 0)).toBe(true);
  });

  test('is left alone by a later run for as long as a fetch may take, then told to end, then killed', async () => {
    const marked = await openProcessRecord(folder, log);
    const file = join(folder, 'processes', 'dead.json');
    start('npx', { env: { SWITCHYARD_CHILD: marked.marker } }, 60_000);
    await until('it to be at work', () => done().includes('at work'));
    const [pid = 0] = pids;
    marked.add(pid, 'memory', true);
    await marked.close();
    const [own = ''] = readdirSync(join(folder, 'processes'));
    const record = JSON.parse(readFileSync(join(folder, 'processes', own), 'utf8')) as {
      children: { fetchingSince: number; toldAt?: number }[];
    };
    rmSync(join(folder, 'processes', own));
    const [child] = record.children;
    expect(child?.fetchingSince).toBeTypeOf('number');
    const left = async (since: number, toldAt?: number): Promise<boolean> => {
      writeFileSync(
        file,
        JSON.stringify({
          ...record,
          // Another process had this id.
          startTime: `${await startTimeOf(process.pid)}0`,
          children: [{ ...child, fetchingSince: since, toldAt }],
        }),
      );
      await sweepProcesses(folder, log);
      return existsSync(file);
    };
    expect(await left(Date.now())).toBe(true);
    expect(done()).toEqual(['at work']);
    expect(await left(Date.now() - 3_600_000)).toBe(true);
    await until('the signal', () => done().includes('told to end'));
    expect(await left(Date.now() - 3_600_000, Date.now() - 60_000)).toBe(false);
    await until('its end', () => !isRunning(pid));
  });

  test('is named where no answer comes, with what it said last, also without an end of line', async () => {
    const program = join(folder, 'npx');
    writeFileSync(program, '#!/bin/sh\nprintf "Need to install: x\\nOk to proceed? (y) " >&2\nsleep 20\n');
    chmodSync(program, 0o755);
    const link = openChildProcess({
      describe: 'memory',
      command: program,
      args: ['x'],
      env: {},
      stopGraceMs: 50,
      limits: { messageBytes: 1e6, queueBytes: 1e6, stderrBytes: 16_384, stderrLinesPerSecond: 50 },
    })(new LinkProbe());
    pids.push(link.pid ?? 0);
    const why = await until('its words', () => {
      const words = link.whySilent?.() ?? '';
      return words.includes('proceed') && words;
    });
    expect(why).toContain('npx may still be fetching its package');
    expect(why).toContain('Ok to proceed? (y)');
    expect(why).toContain('put "-y" into args');
    await link.close();
  });
});
