import http from 'node:http';
import net from 'node:net';
import { ConnectionPool } from '../../../src/transport/http-client/pool.ts';
import { describe, expect, onTestFinished, test } from 'vitest';
import { dispatcherFor } from '../../../src/transport/http-client/dispatcher.ts';
import { openHttpClient } from '../../../src/transport/http-client/client.ts';
import { recorder, type Recorder } from '../../fixtures/http/recorder.ts';
import { deadPort, httpServer, json, resultFor } from '../../fixtures/http/servers.ts';

/** An HTTP proxy which leads every tunnel to one port. */
async function httpProxy(port: number): Promise<{ url: string; asked: string[] }> {
  const asked: string[] = [];
  const server = http.createServer();
  server.on('connect', (request, socket) => {
    asked.push(request.url ?? '');
    const target = net.connect(port, '127.0.0.1', () => socket.write('HTTP/1.1 200 OK\r\n\r\n'));
    for (const end of [socket, target]) end.on('error', () => {});
    socket.on('close', () => target.destroy());
    socket.pipe(target).pipe(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  return { url: `http://127.0.0.1:${(server.address() as net.AddressInfo).port}`, asked };
}

function client(url: string, env: Record<string, string>): Recorder {
  const limits = { messageBytes: 10_000, queueBytes: 10_000 };
  return recorder(
    openHttpClient({ url, describe: 'far', era: 'legacy', connectTimeoutMs: 500, limits, env }),
  );
}

describe("the operator's HTTP proxy", () => {
  test('is gone through where it is set', async () => {
    const server = await httpServer((seen, response) => json(response, resultFor(seen)));
    const proxy = await httpProxy(server.port);
    await client('http://far.invalid/mcp', { HTTP_PROXY: proxy.url }).call(1);
    expect(proxy.asked).toEqual(['far.invalid:80']);
    expect(server.seen).toHaveLength(1);
  });

  test('is not gone through for what NO_PROXY names, nor for this machine', async () => {
    const server = await httpServer((seen, response) => json(response, resultFor(seen)));
    const proxy = await httpProxy(server.port);
    await client(server.url, { http_proxy: proxy.url }).call(1);
    const error: unknown = await client('http://far.invalid/mcp', {
      HTTP_PROXY: proxy.url,
      NO_PROXY: '.invalid',
    })
      .call(1)
      .catch((thrown: unknown) => thrown);
    expect(String(error)).toContain('host name was not found');
    expect(proxy.asked).toEqual([]);
  });

  test('that cannot be reached fails the call before it was sent', async () => {
    const env = { HTTP_PROXY: `http://127.0.0.1:${await deadPort()}` };
    await expect(client('http://far.invalid/mcp', env).call(1)).rejects.toMatchObject({
      code: 'DOWNSTREAM_UNAVAILABLE',
      delivered: false,
    });
  });

  test('with an address that is none ends the link', async () => {
    const link = client('http://far.invalid/mcp', { HTTP_PROXY: 'nonsense' });
    await link.until(() => link.ends.length === 1);
    expect(link.ends[0]).toMatchObject({ code: 'DOWNSTREAM_UNAVAILABLE' });
  });

  test('is not looked up in the environment of this process', async () => {
    const dispatcher = dispatcherFor(
      new URL('http://far.invalid/'),
      {},
      { connections: 1, connectTimeoutMs: 1 },
    );
    expect(dispatcher).toBeInstanceOf(ConnectionPool);
    await dispatcher.destroy();
  });
});

test("own connections are for plain HTTP only; undici's are for TLS", async () => {
  const options = { connections: 1, connectTimeoutMs: 1 };
  const [plain, secure] = ['http', 'https'].map((scheme) =>
    dispatcherFor(new URL(`${scheme}://far.invalid/`), {}, options),
  );
  expect(plain).toBeInstanceOf(ConnectionPool);
  expect(secure).not.toBeInstanceOf(ConnectionPool);
  await Promise.all([plain?.destroy(), secure?.destroy()]);
});
