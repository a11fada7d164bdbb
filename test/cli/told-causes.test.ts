/** Causes that are known are told: encodings of files, and what servers lose that move behind the entry. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { plainServer, status } from '../fixtures/http/plain-server.ts';
import { runCli } from './run-cli.ts';
import { temporaryFolder } from '../harness/temp-folder.ts';

// Real processes on a machine that may have more to do.
vi.setConfig({ testTimeout: 30_000 });

let folder: string;

beforeEach(() => {
  folder = temporaryFolder('told');
});

const utf16 = (name: string, text: string): void =>
  writeFileSync(join(folder, name), Buffer.from(`\ufeff${text}`, 'utf16le'));
const config = (content: object): void =>
  writeFileSync(join(folder, 'switchyard.json'), JSON.stringify(content));

describe('a file that PowerShell wrote as UTF-16 is told as that', () => {
  test('as the config, with the name of the file', async () => {
    utf16('switchyard.json', '{"mcpServers":{}}');
    const { code, stderr } = await runCli(['list'], { cwd: folder });
    expect(code).toBe(2);
    expect(stderr).toMatch(/switchyard\.json {2}it is UTF-16: save it as UTF-8/);
  });

  test('as an envFile, which would otherwise count as empty', async () => {
    utf16('.env', 'TOKEN=abc\n');
    config({ mcpServers: { a: { command: 'node', envFile: '.env' } } });
    const { code, stderr } = await runCli(['list'], { cwd: folder });
    expect(code).toBe(2);
    expect(stderr).toMatch(/mcpServers\.a\.envFile: .*it is UTF-16/);
  });

  test('as a file that holds a secret, as arguments, and as a client’s file', async () => {
    utf16('token', 'abc');
    config({ mcpServers: { a: { command: 'node', env: { T: '${file:token}' } } } });
    expect((await runCli(['list'], { cwd: folder })).stderr).toContain('it is UTF-16');
    config({ mcpServers: {} });
    utf16('args.json', '{}');
    const call = await runCli(['call', 'proxy_status', '--args', '@args.json'], { cwd: folder });
    expect(call).toMatchObject({ code: 2, stderr: expect.stringContaining('it is UTF-16') as string });
    utf16('mcp.json', '{"mcpServers":{}}');
    expect((await runCli(['import', 'mcp.json'], { cwd: folder })).stderr).toContain('it is UTF-16');
  });
});

describe('install --adopt', () => {
  const env = { SEARCH_API_KEY: 'secret-value', EDITOR_THEME: 'dark', GIVEN: 'x', SHLVL: '3' };

  test('names the variables that the servers no longer get, and never their values', async () => {
    mkdirSync(join(folder, '.cursor'));
    const entry = { command: process.execPath, args: ['x.mjs'], env: { GIVEN: 'y' } };
    writeFileSync(join(folder, '.cursor/mcp.json'), JSON.stringify({ mcpServers: { search: entry } }));
    const { code, stderr } = await runCli(['install', 'cursor', '--adopt'], { cwd: folder, env });
    expect(code).toBe(0);
    expect(stderr).toMatch(/no longer get these variables.*: SEARCH_API_KEY, EDITOR_THEME/);
    expect(stderr).toContain('"env": {"SEARCH_API_KEY": "${SEARCH_API_KEY}"}');
    expect(stderr).not.toMatch(/secret-value|PATH|HOME|GIVEN|SHLVL/);
  });

  test('says nothing of them where nothing local moved', async () => {
    mkdirSync(join(folder, '.cursor'));
    const far = { url: 'http://127.0.0.1:9/mcp' };
    writeFileSync(join(folder, '.cursor/mcp.json'), JSON.stringify({ mcpServers: { far } }));
    const { stderr } = await runCli(['install', 'cursor', '--adopt'], { cwd: folder, env });
    expect(stderr).not.toContain('no longer get');
    expect(readFileSync(join(folder, '.cursor/mcp.json'), 'utf8')).not.toContain('127.0.0.1:9');
  });
});

describe('a server that is up and whose tools cannot be listed', () => {
  const refusal = 'Unsupported report format';

  async function unlisted(): Promise<void> {
    const server = await plainServer({ 'tools/list': status(400, refusal) });
    config({ mcpServers: { far: { type: 'http', url: server.url, protocol: '2025-06-18' } } });
  }

  test('is named by list with the reason, whatever is listed', async () => {
    await unlisted();
    for (const kind of ['tools', 'prompts', 'servers']) {
      const { code, stderr } = await runCli(['list', kind], { cwd: folder });
      expect(code).toBe(0);
      expect(stderr).toMatch(new RegExp(`^far: what it offers could not be listed: .*${refusal}`, 'm'));
    }
  });

  test('is named by call where the tool is not known', async () => {
    await unlisted();
    const { code, stderr } = await runCli(['call', 'echo'], { cwd: folder });
    expect(code).toBe(1);
    expect(stderr).toMatch(new RegExp(`^far: what it offers could not be listed: .*${refusal}`, 'm'));
  });
});
