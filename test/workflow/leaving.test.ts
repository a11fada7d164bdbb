/** A run that is waited for, and a client or a proxy that leaves: the run goes on; only a client that says so cancels it. */
import { request } from 'node:http';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test, vi } from 'vitest';
import { httpClient } from '../harness/http-client.ts';
import { type ProxyOptions, type ProxyUnderTest, startProxy } from '../harness/proxy.ts';
import { temporaryFolder } from '../harness/temp-folder.ts';
import { until } from '../harness/until.ts';

vi.setConfig({ testTimeout: 40_000 });

const LEDGER_SERVER = fileURLToPath(new URL('../fixtures/servers/ledger-server.mjs', import.meta.url));

async function started(folder: string, options: ProxyOptions = {}): Promise<ProxyUnderTest> {
  const desk = {
    command: process.execPath,
    args: [LEDGER_SERVER, 'desk', folder, 'read', 'write'],
    tools: { safeToRepeat: ['read', 'write'] },
    stopGraceMs: 300,
  };
  const config = { workflows: { inline: 'allow' }, expose: { namespaces: 'always' } };
  const proxy = await startProxy({ desk }, { folder, config, unready: true, mark: folder, ...options });
  if (!options.http) {
    await proxy.greet();
    await proxy.toolNames();
  }
  return proxy;
}

/** Between "before" and "after" it takes longer than a proxy that ends waits for it. */
const workflow = {
  on_error: 'rollback',
  steps: [
    {
      id: 'before',
      tool: 'desk__write',
      with: { key: 'before' },
      undo: { tool: 'desk__write', with: { key: 'undone' } },
    },
    { id: 'slow', after: ['before'], tool: 'desk__read', with: { key: 'slow', ms: 3500 } },
    { id: 'after', after: ['slow'], tool: 'desk__write', with: { key: 'after' } },
  ],
};

function ran(folder: string): readonly string[] {
  const file = join(folder, 'ledger');
  return existsSync(file)
    ? readFileSync(file, 'utf8')
        .split('\n')
        .map((line) => line.split(' ')[0] ?? '')
    : [];
}

const middle = (folder: string): Promise<true> =>
  until('the run to be in its middle', () => ran(folder).includes('slow') || undefined, 10_000);

const theEnd = (folder: string): Promise<true> =>
  until(
    'the run to end',
    () => ran(folder).some((key) => key === 'after' || key === 'undone') || undefined,
    15_000,
  );

describe('a run that is waited for', () => {
  test.each(['SIGTERM', 'the end of input'])('is left to the record by %s, and goes on', async (how) => {
    const folder = temporaryFolder('case');
    const first = await started(folder);
    first.ledger.excuse(first.askTool('run_workflow', { workflow }));
    await middle(folder);
    if (how === 'SIGTERM') first.child.kill('SIGTERM');
    else first.child.stdin?.end();
    await first.exitedWithin(10_000);
    expect(ran(folder)).not.toContain('undone');
    await started(folder);
    await theEnd(folder);
    expect(ran(folder)).toContain('after');
    expect(ran(folder)).not.toContain('undone');
  });

  test('goes on when its HTTP session is deleted', async () => {
    const folder = temporaryFolder('case');
    const proxy = await started(folder, { http: true });
    const client = await httpClient(proxy).greet();
    await client.request('tools/list');
    client.callAndLeave('run_workflow', { workflow });
    await middle(folder);
    const headers = { 'mcp-session-id': client.session ?? '', 'mcp-protocol-version': '2025-11-25' };
    const status = await new Promise((resolve, reject) => {
      request(proxy.url, { method: 'DELETE', headers }, (answer) => resolve(answer.resume().statusCode))
        .on('error', reject)
        .end();
    });
    expect(status).toBe(200);
    await theEnd(folder);
    expect(ran(folder)).not.toContain('undone');
  });

  test.each(['dialog closed', 'the client is gone', 'the proxy stops', undefined])(
    'is cancelled and undone by a client that says so in the words: %s',
    async (reason) => {
      const folder = temporaryFolder('case');
      const proxy = await started(folder);
      const requestId = proxy.askTool('run_workflow', { workflow });
      await middle(folder);
      proxy.ledger.excuse(requestId);
      proxy.notify('notifications/cancelled', { requestId, ...(reason !== undefined && { reason }) });
      await theEnd(folder);
      expect(ran(folder)).toContain('undone');
      expect(ran(folder)).not.toContain('after');
    },
  );
});
