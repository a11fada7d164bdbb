/** A whole login in a real browser: opened by the command, forms filled in, the answer brought back. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { WebSocket } from 'ws';
import { startProxy, textOf } from '../harness/proxy.ts';
import { until } from '../harness/until.ts';
import { protectedServer } from './machine-user.ts';
import { temporaryFolder } from '../harness/temp-folder.ts';

const CLI = fileURLToPath(new URL('../../dist/cli.js', import.meta.url));
const browser = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'].find(
  (name) => spawnSync(name, ['--version']).status === 0,
);

/** Runs JavaScript in the browser's one page. */
async function inPage(port: string, expression: string): Promise<unknown> {
  const targets = (await (await fetch(`http://127.0.0.1:${port}/json/list`)).json()) as {
    type: string;
    webSocketDebuggerUrl: string;
  }[];
  const page = targets.find(({ type }) => type === 'page');
  if (!page) return undefined;
  const socket = new WebSocket(page.webSocketDebuggerUrl);
  try {
    await once(socket, 'open');
    socket.send(JSON.stringify({ id: 1, method: 'Runtime.evaluate', params: { expression } }));
    const [data] = (await once(socket, 'message')) as [Buffer];
    const { result } = JSON.parse(String(data)) as { result?: { result?: { value?: unknown } } };
    return result?.result?.value;
  } finally {
    socket.close();
  }
}

/** A program that opens the address in a headless browser which can be driven. */
function opener(folder: string, profile: string): string {
  const file = join(folder, 'browser.mjs');
  const args = [
    '--headless=new',
    '--no-sandbox',
    '--disable-gpu',
    '--disable-dev-shm-usage',
    '--no-first-run',
    // The login page wants fonts from elsewhere: tests use no network.
    '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1',
    '--remote-debugging-port=0',
    `--user-data-dir=${profile}`,
  ];
  writeFileSync(
    file,
    [
      `#!${process.execPath}`,
      `import { spawn } from 'node:child_process';`,
      `import { writeFileSync } from 'node:fs';`,
      `const args = [...${JSON.stringify(args)}, process.argv[2]];`,
      `const child = spawn(${JSON.stringify(browser)}, args, { stdio: 'ignore', detached: true });`,
      `writeFileSync(${JSON.stringify(join(profile, 'pid'))}, String(child.pid));`,
      `child.unref();`,
    ].join('\n'),
    { mode: 0o755 },
  );
  return file;
}

test('a person logs in with Chromium, which the command has opened', async (context) => {
  // Debian's package is called chromium.
  context.skip(browser === undefined, 'no Chromium or Chrome is on the PATH');
  const server = await protectedServer();
  const folder = temporaryFolder('case');
  const profile = temporaryFolder('profile');
  const config = {
    stateDir: join(folder, 'state'),
    tokenStorage: 'file',
    mcpServers: { far: { url: server.url } },
  };
  writeFileSync(join(folder, 'switchyard.json'), JSON.stringify(config));
  const login: ChildProcess = spawn(
    process.execPath,
    [CLI, 'login', 'far', '--config', join(folder, 'switchyard.json')],
    { stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, BROWSER: opener(folder, profile) } },
  );
  let out = '';
  login.stdout?.on('data', (chunk: Buffer) => (out += chunk.toString()));
  const exited = once(login, 'close');
  onTestFinished(() => {
    login.kill('SIGKILL');
    try {
      process.kill(-Number(readFileSync(join(profile, 'pid'), 'utf8')), 'SIGKILL');
    } catch {
      // It has ended, or never ran.
    }
  });
  const portFile = join(profile, 'DevToolsActivePort');
  await until('the browser', () => existsSync(portFile) && readFileSync(portFile, 'utf8') !== '', 20_000);
  const [port = ''] = readFileSync(portFile, 'utf8').split('\n');
  const fillIn = `(() => {
      const text = document.body?.innerText ?? '';
      if (text.includes('You are logged in')) return 'done';
      const [form] = document.forms;
      if (!form || form.dataset.sent) return text;
      form.dataset.sent = 'yes';
      if (form.elements.login) { form.elements.login.value = 'dora'; form.elements.password.value = 'x'; }
      form.submit();
      return text;
    })()`;
  let seen: unknown;
  await until(
    'the last page',
    async () => (seen = await inPage(port, fillIn).catch(() => undefined)) === 'done',
    20_000,
    () => String(seen),
  );
  expect(await exited).toEqual([0, null]);
  expect(out).toContain('Logged in to far');
  const proxy = await startProxy({ far: { url: server.url } }, { folder, config: { tokenStorage: 'file' } });
  expect(textOf(await proxy.call('whoami'))).toBe('whoami: dora');
}, 60_000);
