/** Statuses that answer one call: failures of that call, and no sign that the server is unwell. */
import { describe, expect, test } from 'vitest';
import { ProxyError } from '../../src/core/errors.ts';
import { json, resultFor } from '../fixtures/http/servers.ts';
import { type Answer, plainAnswer, plainServer, SAID, status } from '../fixtures/http/plain-server.ts';
import { type ProxyInProcess, proxyWith } from '../resilience/proxy-in-process.ts';

const TOOLS = ['forbidden', 'fine'].map((name) => ({ name, inputSchema: { type: 'object' } }));

/** In front of one whose tool `forbidden` is answered with `refusal`. */
async function inFrontOf(
  refusal: Answer,
  more: object = {},
): Promise<{ proxy: ProxyInProcess; calls(): number }> {
  let calls = 0;
  const server = await plainServer({
    'tools/list': (seen, response) => json(response, resultFor(seen, { tools: TOOLS })),
    'tools/call': (seen, response) => {
      if (!seen.body.includes('"forbidden"')) return plainAnswer(seen, response);
      calls++;
      refusal(seen, response);
    },
  });
  const proxy = await proxyWith(() => ({ mcpServers: { one: { url: server.url, ...more } } }));
  await proxy.ready('one');
  return { proxy, calls: () => calls };
}

function failureOf(proxy: ProxyInProcess): Promise<ProxyError> {
  return proxy.call('forbidden').then(
    () => expect.fail('it was answered'),
    (error: unknown) => {
      if (error instanceof ProxyError) return error;
      throw error;
    },
  );
}

describe('a call that is refused with', () => {
  test.each([
    [400, 'unknown field "x"', 'It says: unknown field "x"'],
    [402, '{"error":"payment required"}', 'It says: payment required'],
    [403, 'Missing permission: reports.read', 'It says: Missing permission: reports.read'],
    [403, '{"jsonrpc":"2.0","id":null,"error":{"code":-32000,"message":"not you"}}', 'It says: not you'],
    [403, '', 'these credentials do not allow it'],
    [403, '<html><h1>Forbidden</h1></html>', 'these credentials do not allow it'],
    [404, '{"detail":"no such report"}', 'It says: no such report'],
    [409, '{"errors":[{"title":"it was changed meanwhile"}]}', 'It says: it was changed meanwhile'],
    [413, 'at most 1 MB', 'It says: at most 1 MB'],
    [422, '{"message":"no date"}', 'It says: no date'],
    [451, 'not\nhere\u0007', 'It says: not here'],
  ])('%i and %j fails with the words of the server, and the others go on', async (code, body, words) => {
    const { proxy, calls } = await inFrontOf(status(code, body));
    for (let i = 0; i < 12; i++) {
      const { message, code: kind } = await failureOf(proxy);
      expect([kind, message]).toEqual(['DOWNSTREAM_FAILED', expect.stringContaining(words)]);
      expect(message).toContain(`HTTP ${code}`);
    }
    expect(calls()).toBe(12);
    expect((await proxy.call('fine')).value).toMatchObject(SAID);
    expect(await proxy.status('one')).toMatchObject({ state: 'ready' });
  });

  test('the credentials that it was sent tells nobody of them', async () => {
    const server = await plainServer({
      'tools/call'({ headers }, response) {
        status(403, `No entry for ${String(headers.authorization)}, ${String(headers['x-key'])}`)(
          { method: '', path: '', headers: {}, body: '', at: 0 },
          response,
        );
      },
    });
    const headers = { Authorization: 'Bearer of-the-config', 'X-Key': 'key-of-the-config' };
    const proxy = await proxyWith(() => ({ mcpServers: { one: { url: server.url, headers } } }));
    await proxy.ready('one');
    const { message } = await proxy.call('echo').then(
      () => expect.fail('it was answered'),
      (error: unknown) => error as Error,
    );
    expect(message).toContain('It says: No entry for');
    expect(message).not.toContain('of-the-config');
  });

  test.each(['{"trace":"abc"}', '[1, 2]', '{"message":"cut'])(
    '%s tells nothing that one could read',
    async (body) => {
      const { proxy } = await inFrontOf(status(422, body));
      expect((await failureOf(proxy)).message).toBe('"one" answered HTTP 422.');
    },
  );

  test('very many words is told in as many as one can read', async () => {
    const { proxy } = await inFrontOf(status(422, 'a'.repeat(50_000)));
    expect((await failureOf(proxy)).message.length).toBeLessThan(1200);
  });

  test.each([500, 502])('%i counts against the server', async (code) => {
    const { proxy, calls } = await inFrontOf(status(code), { retry: { attempts: 1 } });
    for (let i = 0; i < 12; i++) await failureOf(proxy);
    expect(calls()).toBeLessThan(12);
    expect((await failureOf(proxy)).code).toBe('CIRCUIT_OPEN');
  });
});
