import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, test } from 'vitest';
import { type Entry, failureOf, server, startProxy, textOf } from '../harness/proxy.ts';
import { temporaryFolder } from '../harness/temp-folder.ts';
import { until } from '../harness/until.ts';

type Kind = 'tcp' | 'websocket' | 'sse' | 'http';

const SCRIPT = fileURLToPath(new URL('../fixtures/faults/remote.mjs', import.meta.url));
const running: ChildProcess[] = [];

afterEach(() => {
  for (const child of running.splice(0)) child.kill('SIGKILL');
});

interface Remote {
  readonly port: number;
  readonly kill: () => Promise<void>;
}

async function startRemote(kind: Kind, port = 0, options: object = {}): Promise<Remote> {
  const child = spawn(process.execPath, [SCRIPT, kind, String(port), JSON.stringify(options)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  running.push(child);
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  return {
    port: Number(String(line).split(' ')[1]),
    async kill() {
      const exit = once(child, 'exit');
      child.kill('SIGKILL');
      await exit;
    },
  };
}

function entry(kind: Kind, port: number): Entry {
  const patience = { restart: { delayMs: 50, maxDelayMs: 200 }, circuitBreaker: { recoveryTimeoutMs: 200 } };
  switch (kind) {
    case 'tcp':
      return { type: 'tcp', host: '127.0.0.1', port, ...patience };
    case 'websocket':
      return { type: 'websocket', url: `ws://127.0.0.1:${port}`, ...patience };
    case 'sse':
      return { type: 'sse', url: `http://127.0.0.1:${port}/sse`, ...patience };
    case 'http':
      return { url: `http://127.0.0.1:${port}/mcp`, ...patience };
  }
}

describe.each<Kind>(['tcp', 'websocket', 'sse', 'http'])('a server over %s', (kind) => {
  test('is listed and called like any other', async () => {
    const { port } = await startRemote(kind);
    const proxy = await startProxy({ far: entry(kind, port), near: server() });
    expect(await proxy.toolNames()).toContain('far__echo');
    expect(textOf(await proxy.call('far__echo', { text: 'grüße 🦊 \u2028' }))).toBe(
      '{"text":"grüße 🦊 \u2028"}',
    );
    const many = await Promise.all(Array.from({ length: 50 }, (_, n) => proxy.call('far__echo', { n })));
    expect(many.map(textOf)).toEqual(many.map((_, n) => `{"n":${n}}`));
    expect(
      textOf(await proxy.call('far__large', { bytes: 2_000_000, idFirst: true })).length,
    ).toBeGreaterThan(1_000_000);
  });

  test('whose answer is too large or too deep fails that call alone', async () => {
    const { port } = await startRemote(kind);
    const proxy = await startProxy({
      far: { ...entry(kind, port), limits: { messageBytes: 1_000_000 } },
      near: server(),
    });
    const neighbour = proxy.askTool('far__sleep', { ms: 500 });
    for (const [name, args] of [
      ['large', { bytes: 2_000_000, idFirst: true }],
      ['large', { bytes: 2_000_000, idFirst: false }],
      ['deep', { depth: 10_000 }],
    ] as const)
      expect(failureOf(await proxy.call(`far__${name}`, args))).toEqual({
        code: 'RESULT_TOO_LARGE',
        server: 'far',
        delivered: true,
      });
    expect(textOf(await proxy.answer(neighbour))).toBe('slept');
    expect(await proxy.status('far')).toMatchObject({ state: 'ready', restarts: 0 });
  });

  test('that dies fails its calls at once, and is back when it is back', async () => {
    const journal = join(temporaryFolder('case'), 'journal');
    const remote = await startRemote(kind, 0, { journal });
    const proxy = await startProxy({ far: entry(kind, remote.port), near: server() });
    await proxy.call('far__echo');
    const calls = Array.from({ length: 5 }, () => proxy.askTool('far__hang'));
    const received = (): number => readFileSync(journal, 'utf8').split('"hang"').length - 1;
    await until('the server to have the calls', () => received() === 5);
    await remote.kill();
    for (const id of calls) {
      const answer = await proxy.answer(id, 1000);
      expect(failureOf(answer)).toMatchObject({
        code: expect.stringMatching(/^(?:DOWNSTREAM_FAILED|OUTCOME_UNKNOWN)$/) as string,
        server: 'far',
        delivered: 'unknown',
      });
      expect(textOf(answer)).toContain('"far"');
    }
    const meanwhile = await proxy.call('far__echo');
    expect(failureOf(meanwhile)).toMatchObject({ server: 'far', delivered: false });
    expect(textOf(await proxy.call('near__echo', { n: 1 }))).toBe('{"n":1}');
    await startRemote(kind, remote.port);
    await until(
      'it to answer again',
      async () => textOf(await proxy.call('far__echo', { n: 2 })) === '{"n":2}',
    );
    expect(await proxy.toolNames()).toContain('far__echo');
  });
});

test('a server over http that forgets its sessions is greeted anew, and the call after that works', async () => {
  const { port } = await startRemote('http');
  const proxy = await startProxy({ far: entry('http', port), near: server() });
  expect(textOf(await proxy.call('far__forget'))).toBe('forgotten');
  const first = await proxy.call('far__echo', { n: 1 });
  // Who learns of it was surely not heard, and is told so, unless the call went again.
  if (first.result?.['isError'] === true) expect(failureOf(first)).toMatchObject({ delivered: false });
  else expect(textOf(first)).toBe('{"n":1}');
  expect(textOf(await proxy.call('far__echo', { n: 2 }))).toBe('{"n":2}');
  // One that forgets them again and again is greeted with pauses, but is greeted.
  for (let n = 0; n < 3; n++) {
    await proxy.call('far__forget');
    await proxy.call('far__echo');
    await until(
      'it to answer again',
      async () => textOf(await proxy.call('far__echo', { n })) === `{"n":${n}}`,
    );
  }
  expect(await proxy.status('far')).toMatchObject({ state: 'ready' });
});
