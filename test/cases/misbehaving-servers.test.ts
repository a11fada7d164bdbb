import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { raw } from '../relay/wire/proxies.ts';
import { httpClient } from '../harness/http-client.ts';
import { failureOf, server, startProxy, textOf } from '../harness/proxy.ts';
import { temporaryFolder } from '../harness/temp-folder.ts';
import { until } from '../harness/until.ts';

interface Heard {
  readonly id?: number;
  readonly method?: string;
  readonly params?: Record<string, unknown>;
}

/** What the server received with this method. */
function heard(journal: string, method: string): Heard[] {
  return readFileSync(journal, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Heard)
    .filter((entry) => entry.method === method);
}

const result = (id: string, text: string): string =>
  `{"jsonrpc":"2.0","id":${id},"result":{"content":[{"type":"text","text":"${text}"}]}}`;

describe('answers of a server', () => {
  test('D01 to no call, twice, or with another content the second time: the first counts, the rest is counted', async () => {
    const proxy = await startProxy({ a: server() });
    const lines = [
      result('99999', 'nobody asked'),
      result('$ID', 'first'),
      result('$ID', 'first'),
      result('$ID', 'second'),
    ];
    expect(textOf(await proxy.call('raw', { lines }))).toBe('first');
    expect(textOf(await proxy.call('echo', { n: 1 }))).toBe('{"n":1}');
    expect((await proxy.status('a'))['skipped']).toEqual({ 'an answer to no request of ours': 3 });
    expect(proxy.log.filter(({ msg }) => msg === 'skipped')).toHaveLength(1);
  });

  test('D02 that spell the id as a string reach the call that is meant and no other', async () => {
    const proxy = await startProxy({ a: server() });
    const other = proxy.askTool('hang');
    expect(textOf(await proxy.call('raw', { lines: [result('"$ID"', 'meant')] }))).toBe('meant');
    expect(proxy.ledger.answerTo(other)).toBeUndefined();
    proxy.notify('notifications/cancelled', { requestId: other });
    proxy.ledger.excuse(other);
  });

  test.each([
    ['both a result and an error', '{"jsonrpc":"2.0","id":$ID,"result":{},"error":{"code":1,"message":"x"}}'],
    ['a wrong version of JSON-RPC', '{"jsonrpc":"1.0","id":$ID,"result":{}}'],
    ['an error that is none', '{"jsonrpc":"2.0","id":$ID,"error":"broken"}'],
  ])('D03 with %s fail that call alone', async (_, line) => {
    const proxy = await startProxy({ a: server() });
    const answer = await proxy.call('raw', { lines: [line] });
    expect(failureOf(answer)).toEqual({ code: 'PROTOCOL_ERROR', server: 'a', delivered: true });
    expect(textOf(await proxy.call('echo', { n: 1 }))).toBe('{"n":1}');
    expect(await proxy.status('a')).toMatchObject({ state: 'ready', restarts: 0 });
  });

  test.each([
    ['neither a result nor an error', '{"jsonrpc":"2.0","id":$ID}'],
    ['a result that stands in a batch', `[${result('$ID', 'in a batch')}]`],
  ])('D03 with %s end in one answer within the time of the call', async (_, line) => {
    const proxy = await startProxy({ a: server({}, { timeoutMs: 500 }) });
    const answer = await proxy.call('raw', { lines: [line] }, 1500);
    if (textOf(answer) !== 'in a batch')
      expect(['PROTOCOL_ERROR', 'TIMEOUT']).toContain(failureOf(answer)?.['code']);
    expect(textOf(await proxy.call('echo', { n: 1 }))).toBe('{"n":1}');
    expect(await proxy.status('a')).toMatchObject({ state: 'ready', restarts: 0 });
  });

  test('D04 that never come end in a timeout, one cancellation, and a late answer is dropped', async () => {
    const journal = join(temporaryFolder('case'), 'journal');
    const proxy = await startProxy({ a: server({ journal }, { timeoutMs: 300 }), b: server() });
    const answer = await proxy.call('a__late', { ms: 600 });
    expect(failureOf(answer)).toEqual({ code: 'TIMEOUT', server: 'a', delivered: 'unknown' });
    expect(textOf(answer)).toContain('was silent for 300 ms');
    const counted = async (): Promise<unknown> =>
      ((await proxy.status('a'))['skipped'] as Record<string, number>)['an answer to no request of ours'];
    await until('the late answer', async () => (await counted()) === 1);
    const [call] = heard(journal, 'tools/call');
    expect(heard(journal, 'notifications/cancelled').map(({ params }) => params)).toEqual([
      { requestId: call?.id, reason: 'timed out' },
    ]);
  });

  test('D05 that never come while progress does end at the hard maximum, not at the idle time', async () => {
    const proxy = await startProxy({ a: server({}, { timeoutMs: 300, maxTimeoutMs: 1200 }) });
    const since = performance.now();
    const id = proxy.askTool('progressForever', { everyMs: 50 }, { _meta: { progressToken: 'p' } });
    const answer = await proxy.answer(id);
    const took = performance.now() - since;
    expect(took).toBeGreaterThan(1150);
    expect(textOf(answer)).toContain('did not finish within 1200 ms');
    expect(proxy.clientNotifications('notifications/progress').length).toBeGreaterThan(5);
    expect(
      new Set(
        proxy.clientNotifications('notifications/progress').map(({ params }) => params?.['progressToken']),
      ),
    ).toEqual(new Set(['p']));
  });

  test('D06 that come in one piece with their progress come after all of it, in order', async () => {
    const proxy = await startProxy({ a: server() });
    const progress = [1, 2, 3].map(
      (n) =>
        `{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":$TOKEN,"progress":${n}}}`,
    );
    const id = proxy.askTool(
      'raw',
      { lines: [...progress, result('$ID', 'done')] },
      { _meta: { progressToken: 7 } },
    );
    expect(textOf(await proxy.answer(id))).toBe('done');
    const about = proxy.messages.filter(
      (message) => message.id === id || message.method === 'notifications/progress',
    );
    expect(about.map(({ params }) => params)).toEqual([
      ...[1, 2, 3].map((n) => ({ progressToken: 7, progress: n })),
      undefined,
    ]);
  });
});

describe('a call that its client cancels', () => {
  test.each([0, 'text', 17])(
    'D07 is cancelled at the server under its id there, at once (id %o)',
    async (id) => {
      const journal = join(temporaryFolder('case'), 'journal');
      const proxy = await startProxy({ a: server({ journal }) });
      await proxy.call('echo');
      proxy.ask('tools/call', { name: 'hang', arguments: {} }, id);
      const call = await until('the call', () =>
        heard(journal, 'tools/call').find(({ params }) => params?.['name'] === 'hang'),
      );
      proxy.notify('notifications/cancelled', { requestId: id, reason: 'enough' });
      proxy.ledger.excuse(id);
      // The next call is behind it on the same pipe.
      await proxy.call('echo');
      const [cancelled] = heard(journal, 'notifications/cancelled');
      expect(cancelled?.params).toEqual({ requestId: call.id, reason: 'enough' });
      expect((await proxy.status('a'))['inFlight']).toBe(0);
      expect(heard(journal, 'notifications/cancelled')).toHaveLength(1);
    },
  );

  test('says in its own words why, and they count for nothing: the server stays open to others', async () => {
    const journal = join(temporaryFolder('case'), 'journal');
    const proxy = await startProxy({
      a: { ...server({ journal }), circuitBreaker: { failureThreshold: 2 } },
    });
    await proxy.call('echo');
    for (const [n, reason] of ['out of time', 'timed out', 'out of time', 'timed out'].entries()) {
      const id = `hangs ${n}`;
      proxy.ask('tools/call', { name: 'hang', arguments: {} }, id);
      await until('the call', () => heard(journal, 'tools/call').length === n + 2);
      proxy.notify('notifications/cancelled', { requestId: id, reason });
      proxy.ledger.excuse(id);
      await until('the cancellation', () => heard(journal, 'notifications/cancelled').length === n + 1);
    }
    expect(textOf(await proxy.call('echo', { n: 1 }))).toBe('{"n":1}');
  });

  test('while it waits behind another that ends with it never reaches the server', async () => {
    const journal = join(temporaryFolder('case'), 'journal');
    const proxy = await startProxy({ a: { ...server({ journal }), maxConcurrency: 1 } });
    await proxy.call('echo');
    const ids = ['runs', 'waits', 'waits too'];
    for (const id of ids) proxy.ask('tools/call', { name: 'hang', arguments: {} }, id);
    await until('the first', () => heard(journal, 'tools/call').length === 2);
    // In one piece, oldest first: of what comes later nobody can know yet.
    const cancels = ids.map((requestId) => ({ method: 'notifications/cancelled', params: { requestId } }));
    proxy.send(cancels.map((one) => JSON.stringify({ jsonrpc: '2.0', ...one })).join('\n'));
    for (const id of ids) proxy.ledger.excuse(id);
    expect(textOf(await proxy.call('echo', { n: 1 }))).toBe('{"n":1}');
    expect(heard(journal, 'tools/call').map(({ params }) => params?.['name'])).toEqual([
      'echo',
      'hang',
      'echo',
    ]);
  });
});

describe('a server that asks', () => {
  const asking = (id: string, params: Readonly<Record<string, unknown>>): string =>
    JSON.stringify({ jsonrpc: '2.0', id, method: 'elicitation/create', params });
  const form = {
    message: 'Your password?',
    requestedSchema: { type: 'object', properties: { password: { type: 'string' } } },
  };
  /** What the server was answered, by the id of its question. */
  const answered = (journal: string, id: string): Record<string, unknown> | undefined =>
    readFileSync(journal, 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Record<string, unknown>)
      .find((entry) => entry['id'] === id && entry['method'] === undefined);

  test('D08 a client that cannot be asked is refused, and the client sees nothing of it', async () => {
    const journal = join(temporaryFolder('case'), 'journal');
    const proxy = await startProxy({ a: server({ journal }) });
    const call = proxy.askTool('raw', { lines: [asking('q1', form)] });
    const refusal = await until('the refusal', () => answered(journal, 'q1'));
    expect(refusal['error']).toMatchObject({ code: -32601 });
    expect(proxy.clientNotifications('elicitation/create')).toEqual([]);
    proxy.ledger.excuse(call);
    proxy.notify('notifications/cancelled', { requestId: call });
  });

  test('D09 for a password is named to the user; an address that is no web page does not get there', async () => {
    const journal = join(temporaryFolder('case'), 'journal');
    const proxy = await startProxy(
      { a: server({ journal }) },
      { capabilities: { elicitation: { form: {}, url: {} } } },
    );
    const page = (url: string): Record<string, unknown> => ({
      mode: 'url',
      message: 'Open',
      url,
      elicitationId: 'e',
    });
    const call = proxy.askTool('raw', {
      lines: [
        asking('q1', page('javascript:alert(1)')),
        asking('q2', page('file:///etc/passwd')),
        asking('q3', form),
      ],
    });
    const asked = await until('the question', () => proxy.clientNotifications('elicitation/create')[0]);
    expect(asked.params).toEqual({ ...form, message: '[a] Your password?' });
    for (const id of ['q1', 'q2'])
      expect(JSON.stringify((await until('the refusal', () => answered(journal, id)))['error'])).toContain(
        'neither http nor https',
      );
    proxy.send(JSON.stringify({ jsonrpc: '2.0', id: asked.id, result: { action: 'decline' } }));
    expect((await until('the answer', () => answered(journal, 'q3')))['result']).toEqual({
      action: 'decline',
    });
    expect(proxy.clientNotifications('elicitation/create')).toHaveLength(1);
    proxy.ledger.excuse(call);
    proxy.notify('notifications/cancelled', { requestId: call });
  });
});

describe('servers of 2024-11-05 and of 2026-07-28 side by side', () => {
  test('D10 are listed and called by an old client and by a new one', async () => {
    const proxy = await startProxy(
      { old: raw({ version: '2024-11-05' }), new: raw({ era: 'modern' }) },
      { http: true },
    );
    for (const client of [await httpClient(proxy).greet(), httpClient(proxy, { modern: true })]) {
      const { result } = await client.request('tools/list');
      const names = (result?.['tools'] as { name: string }[]).map(({ name }) => name);
      expect(names).toEqual(expect.arrayContaining(['old__echo', 'new__echo']));
      for (const name of ['old__echo', 'new__echo'])
        expect(failureOf(await client.call(name, { n: 1 }))).toBeUndefined();
    }
  });
});
