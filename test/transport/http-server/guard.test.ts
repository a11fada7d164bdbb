import { describe, expect, test } from 'vitest';
import { JSON_HEADERS, open, post, RawClient, wire, withEachServer } from './fixture.ts';

withEachServer(() => {
  const TOKENS = new Map([
    ['alice', 'token-of-alice'],
    ['bob', 'tökén-of-bob'],
  ]);

  /** fetch sets `Host` itself, so this goes by hand. */
  async function statusOf(port: number, ...headers: readonly string[]): Promise<number | undefined> {
    const client = new RawClient(port).say(
      `POST /mcp HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: 2\r\n${headers.join('\r\n')}\r\n\r\n{}`,
    );
    await client.until(({ statuses }) => statuses.length > 0);
    return client.statuses[0];
  }

  describe('F04 Host', () => {
    test.each([
      ['localhost', 200],
      ['LocalHost:1234', 200],
      ['127.0.0.1:80', 200],
      ['[::1]:80', 200],
      ['proxy.example', 200],
      ['proxy.example:99', 200],
      ['ported.example:99', 200],
      ['ported.example', 403],
      ['ported.example:98', 403],
      ['evil.example', 403],
      ['localhost.evil.example', 403],
      ['127.0.0.1.evil.example', 403],
      ['evil.example:127.0.0.1', 403],
      ['192.0.2.7', 403],
      ['', 403],
    ])('"%s" gets %i', async (host, status) => {
      const { port } = await open({ allowedHosts: ['Proxy.example', 'ported.example:99'] });
      expect(await statusOf(port, `Host: ${host}`)).toBe(status);
    });

    test('F04 missing is refused', async () => {
      const { port } = await open();
      expect(await statusOf(port, 'X-Other: 1')).toBe(400);
      const old = new RawClient(port).say('GET /mcp HTTP/1.0\r\n\r\n');
      await old.end();
      expect(old.statuses).toEqual([403]);
      const everywhere = await open({ host: '', tokens: TOKENS, allowedHosts: [''] });
      expect(await statusOf(everywhere.port, 'Host: ')).toBe(403);
    });

    test('F04 is checked for pages too, and on every address the one that the connection came in by is good', async () => {
      const { port } = await open({ host: '0.0.0.0', tokens: TOKENS });
      for (const [host, status] of [
        ['evil.example', 403],
        ['127.0.0.1', 401],
      ] as const)
        expect(await answerTo(port, `GET /metrics HTTP/1.1\r\nHost: ${host}\r\n\r\n`)).toBe(status);
    });

    test.each([
      ['/healthz', 200],
      ['/healthz/', 200],
      ['/readyz', 503],
      ['/readyz?verbose', 503],
    ])('of a load balancer does not matter for %s, nor that there is none', async (path, status) => {
      const { port } = await open();
      for (const head of [
        'HTTP/1.1\r\nHost: 10.0.0.7:8080',
        'HTTP/1.1\r\nHost: pool.internal',
        'HTTP/1.1\r\nHost: ',
        'HTTP/1.0',
      ])
        expect(await answerTo(port, `GET ${path} ${head}\r\n\r\n`)).toBe(status);
      expect(await answerTo(port, `POST ${path} HTTP/1.1\r\nHost: evil.example\r\n\r\n`)).toBe(405);
    });

    test.each(['/mcp', '/metrics', '/', '/healthz/x', '/readyz2'])(
      'of a load balancer is refused for %s',
      async (path) => {
        const { port } = await open();
        expect(await answerTo(port, `GET ${path} HTTP/1.1\r\nHost: pool.internal\r\n\r\n`)).toBe(403);
      },
    );

    test.each([
      ['localhost.', 200],
      ['LOCALHOST.:99', 200],
      ['proxy.example', 200],
      ['proxy.example.', 200],
      ['proxy.example:8443', 200],
      ['usual.example', 200],
      ['usual.example:443', 200],
      ['usual.example:444', 403],
      ['xn--bcher-kva.example', 200],
      ['evil.example.', 403],
      ['localhost..', 403],
    ])('"%s" is known by what the config means', async (host, status) => {
      const allowedHosts = ['https://Proxy.example/mcp', 'usual.example:443', 'bücher.example'];
      const { port } = await open({ allowedHosts });
      expect(await statusOf(port, `Host: ${host}`)).toBe(status);
    });
  });

  async function answerTo(port: number, text: string): Promise<number | undefined> {
    const client = new RawClient(port).say(text);
    await client.until(({ statuses }) => statuses.length > 0);
    return client.statuses[0];
  }

  describe('an address', () => {
    const asked = (target: string, host = 'localhost'): string =>
      wire('{}').replace('POST /mcp', `POST ${target}`).replace('Host: localhost', `Host: ${host}`);

    test.each(['/mcp/', '//mcp', '/mcp//', '/MCP', '/Mcp/?a=b', '/mcp?a=/b/'])(
      'that people take for /mcp is served without a redirect: %s',
      async (target) => {
        const { port } = await open();
        expect(await answerTo(port, asked(target))).toBe(200);
      },
    );

    test.each(['/mcp/x', '/mcps', '/', '/mcp%2f', '/x/mcp', '*'])(
      'that is another one is not: %s',
      async (target) => {
        const { port } = await open();
        expect(await answerTo(port, asked(target))).toBe(404);
      },
    );

    test.each([
      ['http://localhost/mcp', 'localhost', 200],
      ['http://LOCALHOST:80/mcp/?a=b', 'localhost', 200],
      ['https://localhost/mcp', 'localhost:443', 200],
      ['http://localhost:1234/mcp', 'localhost:1234', 200],
      ['http://localhost/healthz', 'localhost', 405],
      ['http://localhost', 'localhost', 404],
      ['http://localhost/mcp', 'evil.example', 400],
      ['http://evil.example/mcp', 'localhost', 400],
      ['http://evil.example/mcp', 'evil.example', 403],
      ['http://user@localhost/mcp', 'localhost', 400],
      ['http://localhost:1234/mcp', 'localhost:1235', 400],
      ['ftp://localhost/mcp', 'localhost', 400],
    ])('as a whole, %s with the host %s, gets %i', async (target, host, status) => {
      const { port } = await open();
      expect(await answerTo(port, asked(target, host))).toBe(status);
    });

    test('as a whole stands for a host that is not named', async () => {
      const { port } = await open();
      const old = (target: string): string => `GET ${target} HTTP/1.0\r\n\r\n`;
      expect(await answerTo(port, old('http://localhost/mcp'))).toBe(200);
      expect(await answerTo(port, old('http://evil.example/mcp'))).toBe(403);
    });
  });

  describe('F04 Origin', () => {
    test.each([
      ['http://localhost:5173', 200],
      ['https://127.0.0.1', 200],
      ['http://[::1]:8080', 200],
      ['https://app.example', 200],
      ['https://app.example:444', 403],
      ['http://app.example', 403],
      ['https://evil.example', 403],
      ['http://localhost.evil.example', 403],
      ['http://localhost:80@evil.example', 403],
      ['null', 403],
      ['*', 403],
      ['', 403],
    ])('"%s" gets %i', async (origin, status) => {
      const { port } = await open({ allowedOrigins: ['https://App.example/'] });
      expect(await statusOf(port, 'Host: localhost', `Origin: ${origin}`)).toBe(status);
    });

    test('F04 two of them are refused though each were allowed', async () => {
      const { port } = await open();
      expect(
        await statusOf(port, 'Host: localhost', 'Origin: http://localhost', 'Origin: http://localhost'),
      ).toBe(403);
    });

    test('F04 that is no ASCII is refused, even where the config allows it: it could not be told back', async () => {
      const server = await open({ allowedOrigins: ['http://b\u00fccher.example'] });
      const asked = wire('{}', ['Origin: http://b\u00fccher.example']);
      const client = new RawClient(server.port).say(Buffer.from(asked, 'latin1'));
      await client.until(({ statuses }) => statuses.length > 0);
      expect(client.statuses).toEqual([403]);
      expect((await post(server.url, '{}')).status).toBe(200);
    });

    test('F04 a program, which sends none, is served', async () => {
      const { port } = await open();
      expect(await statusOf(port, 'Host: localhost')).toBe(200);
    });

    test('F04 of this machine is not allowed where others can reach us', async () => {
      const { port } = await open({ host: '0.0.0.0', tokens: new Map([['a', 'secret']]) });
      const own = ['Host: localhost', 'Authorization: Bearer secret'];
      expect(await statusOf(port, ...own)).toBe(200);
      expect(await statusOf(port, ...own, 'Origin: http://localhost:3000')).toBe(403);
    });

    test('an allowed page may read the answer and its session, a foreign one may not', async () => {
      const { url } = await open();
      const good = await post(url, '{}', { origin: 'http://localhost:5173' });
      expect(good.headers.get('access-control-allow-origin')).toBe('http://localhost:5173');
      expect(good.headers.get('access-control-expose-headers')).toMatch(
        /^Mcp-Session-Id, MCP-Protocol-Version/,
      );
      expect(good.headers.get('vary')).toBe('origin');
      const bad = await post(url, '{}', { origin: 'https://evil.example' });
      expect(bad.headers.get('access-control-allow-origin')).toBeNull();
      expect((await post(url, '{}')).headers.get('vary')).toBeNull();
    });

    test('a preflight of an allowed page is answered without a token', async () => {
      const { url } = await open({ tokens: TOKENS });
      const preflight = {
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'authorization, mcp-param-x',
      };
      const good = await fetch(url, {
        method: 'OPTIONS',
        headers: { origin: 'http://localhost:1', ...preflight },
      });
      expect(good.status).toBe(204);
      expect(good.headers.get('access-control-allow-methods')).toBe('POST, GET, DELETE');
      expect(good.headers.get('access-control-allow-headers')).toBe('authorization, mcp-param-x');
      const bad = await fetch(url, {
        method: 'OPTIONS',
        headers: { origin: 'https://evil.example', ...preflight },
      });
      expect(bad.status).toBe(403);
    });
  });

  describe('tokens', () => {
    test('F01 without one the answer is 401 with a challenge, and nobody is anonymous', async () => {
      let calls = 0;
      const { url } = await open({ tokens: TOKENS, onMcp: () => void calls++ });
      for (const authorization of ['', 'Basic YTpi', 'Bearer', 'Bearer  ', 'token-of-alice']) {
        const response = await post(url, '{}', authorization ? { authorization } : {});
        expect([response.status, response.headers.get('www-authenticate')]).toEqual([
          401,
          'Bearer realm="switchyard"',
        ]);
      }
      expect(calls).toBe(0);
    });

    test('F01 a wrong one is told to be invalid', async () => {
      const { url } = await open({ tokens: TOKENS });
      for (const token of ['x', 'token-of-alic', 'token-of-alice2', 'Token-of-alice', 'alice', 'undefined']) {
        const response = await post(url, '{}', { authorization: `Bearer ${token}` });
        expect(response.status).toBe(401);
        expect(response.headers.get('www-authenticate')).toBe(
          'Bearer realm="switchyard", error="invalid_token"',
        );
      }
    });

    test('F01 are looked at in every request of a connection', async () => {
      const { port } = await open({ tokens: TOKENS });
      const as = (token: string) => wire('{}', [`Authorization: Bearer ${token}`]);
      const good = as([...TOKENS.values()][0] ?? '');
      const client = new RawClient(port).say(good + good + as('wrong') + wire('{}') + good);
      await client.until(({ statuses }) => statuses.length === 5);
      expect(client.statuses).toEqual([200, 200, 401, 401, 200]);
    });

    test('name their owner', async () => {
      const { url, port } = await open({ tokens: TOKENS });
      const alice = await post(url, '{}', { authorization: 'bearer  token-of-alice' });
      expect(await alice.json()).toMatchObject({ principal: 'alice' });
      const bob = new RawClient(port).say(
        Buffer.from(
          'POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n' +
            'Content-Length: 2\r\nAuthorization: Bearer tökén-of-bob\r\n\r\n{}',
        ),
      );
      await bob.until(({ received }) => received.includes('"principal":"bob"'));
    });

    test('allowed origins are known by what the config means', async () => {
      const { port } = await open({ allowedOrigins: ['HTTPS://App.example:443/', 'https://bücher.example'] });
      for (const origin of ['https://app.example', 'https://xn--bcher-kva.example'])
        expect(await statusOf(port, 'Host: localhost', `Origin: ${origin}`)).toBe(200);
    });

    test('guard every page but /healthz', async () => {
      const { url } = await open({ tokens: TOKENS });
      const page = async (path: string, headers: Record<string, string> = {}): Promise<number> =>
        (await fetch(url.replace('/mcp', path), { headers })).status;
      expect(await page('/healthz')).toBe(200);
      expect(await page('/readyz')).toBe(401);
      expect(await page('/nothing')).toBe(401);
      expect(await page('/readyz', { authorization: 'Bearer token-of-alice' })).toBe(503);
    });

    test('are not needed on loopback, where everybody is local', async () => {
      const { url } = await open();
      expect(await (await post(url, '{}', JSON_HEADERS)).json()).toMatchObject({ principal: 'local' });
    });

    test.each(['0.0.0.0', '::', '', '192.168.1.5', 'example.com', '127.evil.example'])(
      'F04 a bind to "%s" without them is refused',
      async (host) => {
        await expect(open({ host })).rejects.toThrow(/refuses to listen .* set http\.tokens/);
      },
    );

    test('that are empty or shared are refused', async () => {
      await expect(open({ tokens: new Map([['a', ' ']]) })).rejects.toThrow('http.tokens.a is empty');
      const shared = new Map([
        ['a', 'same'],
        ['b', 'same'],
      ]);
      await expect(open({ tokens: shared })).rejects.toThrow('"a" and "b" have the same token');
    });
  });
});
