import { createServer } from 'node:net';
import { describe, expect, test } from 'vitest';
import { wholeText } from '../../../src/json/elided.ts';
import type { HttpReply } from '../../../src/transport/http-server/reply.ts';
import type { HttpExchange } from '../../../src/transport/http-server/request-handler.ts';
import {
  echo,
  JSON_HEADERS,
  open,
  pause,
  post,
  RawClient,
  waitFor,
  wire,
  withEachServer,
} from './fixture.ts';

withEachServer(() => {
  describe('an answer', () => {
    test('of one message is plain JSON with its length, in one packet', async () => {
      const { port } = await open({ onMcp: ({ reply }) => reply.end('{"ä":1}') });
      const chunks: string[] = [];
      const client = new RawClient(port).say(wire('{}'));
      client.socket.on('data', (text: string) => chunks.push(text));
      await client.until(({ received }) => received.includes('}'));
      expect(chunks).toHaveLength(1);
      expect(client.received).toMatch(
        /^HTTP\/1\.1 200 OK\r\ncontent-type: application\/json\r\ncontent-length: 8\r\n/,
      );
      expect(client.received).toMatch(/\r\n\r\n\{"ä":1\}$/);
    });

    test('of several messages is an event stream that ends with the last', async () => {
      const { url } = await open({
        onMcp({ reply }) {
          reply.event('{"n":1}');
          reply.event('{"n":\n2}', '7');
          reply.end('{"n":3}', 400);
        },
      });
      const response = await post(url, '{}');
      expect(response.status).toBe(200);
      expect(response.headers.get('content-type')).toBe('text/event-stream');
      expect(response.headers.get('cache-control')).toBe('no-store');
      expect(response.headers.get('x-accel-buffering')).toBe('no');
      expect(await response.text()).toBe(
        'event: message\ndata: {"n":1}\n\n' +
          'id: 7\nevent: message\ndata: {"n":\ndata: 2}\n\n' +
          'event: message\ndata: {"n":3}\n\n',
      );
    });

    test('carries the status and headers it was given', async () => {
      const { url } = await open({
        onMcp({ method, reply }) {
          reply.setHeader('Mcp-Session-Id', 'abc');
          if (method === 'DELETE') reply.empty(202, { 'x-other': '1' });
          else reply.json(404, '{}', { 'x-other': '2' });
        },
      });
      const found = await post(url, '{}');
      expect([found.status, found.headers.get('mcp-session-id'), found.headers.get('x-other')]).toEqual([
        404,
        'abc',
        '2',
      ]);
      const gone = await fetch(url, { method: 'DELETE' });
      expect([gone.status, gone.headers.get('mcp-session-id'), gone.headers.get('x-other')]).toEqual([
        202,
        'abc',
        '1',
      ]);
      expect(gone.headers.get('content-length')).toBe('0');
    });

    test('ignores what is written after its end', async () => {
      const { url } = await open({
        onMcp({ reply }) {
          reply.end('{"n":1}');
          reply.end('{"n":2}');
          reply.event('{"n":3}');
          reply.empty(500);
          reply.closeStream();
          expect(reply.closed).toBe(true);
        },
      });
      expect(await (await post(url, '{}')).text()).toBe('{"n":1}');
    });

    test('is a 500 where the handler throws, and the server lives on', async () => {
      const server = await open({
        onMcp({ body, reply }) {
          if (body === 'bad') throw new Error('secret');
          reply.end(wholeText(body));
        },
      });
      const response = await post(server.url, 'bad');
      expect(response.status).toBe(500);
      expect(await response.json()).toMatchObject({
        error: { code: -32603, message: expect.not.stringContaining('secret') },
      });
      expect(await (await post(server.url, '{}')).text()).toBe('{}');
      expect(server.log.filter(({ level }) => level === 'error')).toHaveLength(1);
    });
  });

  describe('silence', () => {
    test('turns the answer to a POST into an event stream with comments', async () => {
      let reply: HttpReply | undefined;
      const { port } = await open({ silenceMs: 40, onMcp: (exchange) => void (reply = exchange.reply) });
      const client = new RawClient(port).say(wire('{}'));
      await client.until(({ received }) => received.split(': still here').length > 2);
      reply?.end('{"late":true}', 500);
      await client.until(({ received }) => received.endsWith('0\r\n\r\n'));
      expect(client.statuses).toEqual([200]);
      expect(client.received).toContain('content-type: text/event-stream\r\n');
      expect(client.received).toContain('event: message\ndata: {"late":true}\n\n');
    });

    test('of a short while leaves the answer plain JSON', async () => {
      const { url } = await open({
        silenceMs: 5_000,
        onMcp: ({ reply }) => void setTimeout(() => reply.end('{}'), 100),
      });
      const response = await post(url, '{}');
      expect(response.headers.get('content-type')).toBe('application/json');
    });

    test('keeps open streams alive with comments, and leaves a GET or DELETE that was not answered alone', async () => {
      const replies: HttpReply[] = [];
      const { port } = await open({
        silenceMs: 40,
        onMcp({ method, reply }) {
          replies.push(reply);
          if (method === 'GET') reply.openStream({ 'x-own': 'yes' });
        },
      });
      const get = new RawClient(port).say(
        'GET /mcp HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n',
      );
      const remove = new RawClient(port).say('DELETE /mcp HTTP/1.1\r\nHost: localhost\r\n\r\n');
      await get.until(({ received }) => received.split(': still here').length > 2);
      expect(get.received).toContain('x-own: yes');
      expect(remove.received).toBe('');
      replies.forEach((reply) => reply.closeStream());
      await get.until(({ received }) => received.endsWith('0\r\n\r\n'));
    });
  });

  describe('a stream', () => {
    test('answers at once, before its first event', async () => {
      let reply: HttpReply | undefined;
      const { url } = await open({
        onMcp(exchange) {
          reply = exchange.reply;
          reply.openStream();
        },
      });
      const response = await fetch(url, { headers: { accept: 'text/event-stream' } });
      expect(response.headers.get('content-type')).toBe('text/event-stream');
      reply?.event('', '0');
      reply?.event('{"n":1}');
      reply?.closeStream();
      expect(await response.text()).toBe('id: 0\ndata: \n\nevent: message\ndata: {"n":1}\n\n');
    });
  });

  describe('what is asked', () => {
    test.each([
      ['application/json', 406],
      ['text/event-stream', 406],
      ['text/html', 406],
      ['application/json, text/event-stream;q=0', 406],
      ['application/json, text/event-stream', 200],
      ['Text/Event-Stream;q=0.5 , application/json;q=0.9', 200],
      ['application/*, text/*', 200],
      ['*/*', 200],
    ])('a POST that accepts %s gets %i', async (accept, status) => {
      const { url } = await open();
      expect((await post(url, '{}', { accept })).status).toBe(status);
    });

    test('a POST without Accept takes anything', async () => {
      const { port } = await open();
      const client = await new RawClient(port).say(wire('{}')).until(({ statuses }) => statuses.length > 0);
      expect(client.statuses).toEqual([200]);
    });

    test('a GET must accept event streams', async () => {
      const { url } = await open({ onMcp: ({ reply }) => reply.empty(405) });
      expect((await fetch(url, { headers: { accept: 'application/json' } })).status).toBe(406);
      expect((await fetch(url, { headers: { accept: 'text/event-stream' } })).status).toBe(405);
    });

    test.each([
      ['text/plain', 415],
      ['application/json; charset=latin1', 415],
      ['application/jsonp', 415],
      ['application/json; charset=utf-8', 200],
      ['Application/JSON;charset="UTF-8"', 200],
    ])('G03 a body of type %s gets %i', async (type, status) => {
      const { url } = await open();
      expect((await post(url, '{}', { 'content-type': type })).status).toBe(status);
    });

    test('G03 a compressed body gets 415', async () => {
      const { url } = await open();
      expect((await post(url, '{}', { 'content-encoding': 'gzip' })).status).toBe(415);
    });

    test('an unknown path gets 404 as JSON, a query does not matter', async () => {
      const { url } = await open();
      const response = await post(url.replace('/mcp', '/mcp/x'), '{}');
      expect(response.status).toBe(404);
      expect(await response.json()).toMatchObject({
        jsonrpc: '2.0',
        error: { message: expect.stringContaining('/mcp') },
      });
      expect((await post(`${url}?session=1`, '{}')).status).toBe(200);
    });

    test('a wrong method gets 405 with the right ones', async () => {
      const { url } = await open();
      const put = await fetch(url, { method: 'PUT', body: '{}', headers: JSON_HEADERS });
      expect([put.status, put.headers.get('allow')]).toEqual([405, 'POST, GET, DELETE']);
      const page = await post(url.replace('/mcp', '/healthz'), '{}');
      expect([page.status, page.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
    });

    test('what a client expects beyond a word before its body gets 417', async () => {
      const { port } = await open();
      const client = new RawClient(port).say(wire('{}', ['Expect: a-miracle']));
      await client.until(({ statuses }) => statuses.length > 0);
      expect(client.statuses).toEqual([417]);
    });

    test('pages answer GET and HEAD with their own status', async () => {
      const { url } = await open();
      const health = await fetch(url.replace('/mcp', '/healthz'));
      expect([health.status, await health.text()]).toEqual([200, 'ok']);
      const ready = await fetch(url.replace('/mcp', '/readyz'), { method: 'HEAD' });
      expect([ready.status, await ready.text()]).toEqual([503, '']);
    });

    test('a page that fails is a 500', async () => {
      const { url } = await open({
        routes: new Map([
          [
            '/metrics',
            () => {
              throw new Error('no');
            },
          ],
        ]),
      });
      expect((await fetch(url.replace('/mcp', '/metrics'))).status).toBe(500);
    });

    test('headers are found in any case', async () => {
      let found: HttpExchange | undefined;
      const { url } = await open({
        onMcp(exchange) {
          found = exchange;
          echo(exchange);
        },
      });
      await post(url, '{"id":1}', { 'Mcp-Session-Id': 's1' });
      expect(found?.header('mcp-session-id')).toBe('s1');
      expect(found?.header('nothing')).toBeUndefined();
      expect(found?.body).toBe('{"id":1}');
      expect(found?.method).toBe('POST');
    });
  });

  describe('a client that leaves', () => {
    test('G05 mid call is told to whoever works on the answer, once', async () => {
      const reasons: string[] = [];
      let reply: HttpReply | undefined;
      const server = await open({
        onMcp(exchange) {
          reply = exchange.reply;
          reply.onClose((why) => reasons.push(why));
        },
      });
      const client = new RawClient(server.port).say(wire('{}'));
      await waitFor(() => reply !== undefined);
      client.socket.destroy();
      await waitFor(() => reasons.length > 0);
      expect(reply?.closed).toBe(true);
      reply?.end('{}');
      await pause(20);
      expect(reasons).toEqual(['client-gone']);
      reply?.onClose((why) => reasons.push(`${why} again`));
      expect(reasons).toEqual(['client-gone', 'client-gone again']);
      expect(server.stats).toMatchObject({ open: 0, connections: 0 });
    });

    test('G05 is noticed though it had pipelined more, which is then never begun', async () => {
      const told: string[] = [];
      const server = await open({
        onMcp({ body, reply }) {
          told.push(wholeText(body));
          reply.onClose((why) => told.push(why));
        },
      });
      const client = new RawClient(server.port).say(wire('1') + wire('2') + wire('3'));
      await waitFor(() => told.length > 0);
      client.socket.destroy();
      await waitFor(() => server.stats.connections === 0);
      expect(told).toEqual(['1', 'client-gone']);
      expect(server.stats).toMatchObject({ requests: 1, open: 0 });
    });

    test.each(['before its answer', 'between two events'])(
      'G05 is noticed where it ends only its own side, %s',
      async (when) => {
        const reasons: string[] = [];
        const server = await open({
          onMcp({ reply }) {
            reply.onClose((why) => reasons.push(why));
            if (when === 'between two events') reply.event('{"n":1}');
          },
        });
        const client = new RawClient(server.port).say(wire('{}'));
        await waitFor(() => server.stats.open === 1);
        client.socket.end();
        await client.end();
        expect(reasons).toEqual(['client-gone']);
      },
    );

    test('is answered by the end of the connection where it speaks an older HTTP', async () => {
      const { port } = await open({
        onMcp({ body, reply }) {
          if (body === 'stream') reply.event('{"n":1}');
          reply.end('{"n":2}');
        },
      });
      const older = (body: string) => wire(body).replace('HTTP/1.1', 'HTTP/1.0');
      const plain = await new RawClient(port).say(older('plain')).end();
      expect(plain.received).toMatch(/connection: close\r\n\r\n\{"n":2\}$/i);
      const stream = await new RawClient(port).say(older('stream')).end();
      expect(stream.received).not.toContain('chunked');
      expect(stream.received).toMatch(
        /close\r\n\r\nevent: message\ndata: \{"n":1\}\n\nevent: message\ndata: \{"n":2\}\n\n$/,
      );
    });

    test('after the answer is not told', async () => {
      const reasons: string[] = [];
      const { port } = await open({
        onMcp({ reply }) {
          reply.onClose((why) => reasons.push(why));
          reply.end('{}');
        },
      });
      const client = await new RawClient(port).say(wire('{}')).until(({ statuses }) => statuses.length > 0);
      client.socket.destroy();
      await pause(30);
      expect(reasons).toEqual([]);
    });
  });

  describe('opening', () => {
    test('I04 a port in use is an error that says so', async () => {
      const other = createServer().listen(0, '127.0.0.1');
      await waitFor(() => other.listening);
      const { port } = other.address() as { port: number };
      await expect(open({ port })).rejects.toThrow(`Port ${port} on 127.0.0.1 is in use by another program`);
      other.close();
    });

    test('a host that is not ours is an error that says so', async () => {
      const tokens = new Map([['a', 'secret']]);
      await expect(open({ host: '192.0.2.1', tokens })).rejects.toThrow(
        '"192.0.2.1" is no address of this machine',
      );
    });

    test('names the URL with the port that was picked', async () => {
      const server = await open();
      expect(server.url).toBe(`http://127.0.0.1:${server.port}/mcp`);
      expect(server.port).toBeGreaterThan(0);
    });

    test('works on IPv6', async () => {
      const { url } = await open({ host: '::1' });
      expect(url).toMatch(/^http:\/\/\[::1\]:\d+\/mcp$/);
      expect((await post(url, '{}')).status).toBe(200);
    });
  });

  describe('closing', () => {
    test('I05 ends open event streams properly and tells who feeds them', async () => {
      const reasons: string[] = [];
      const server = await open({
        onMcp({ reply }) {
          reply.onClose((why) => reasons.push(why));
          reply.openStream();
          reply.event('{"n":1}');
        },
      });
      const client = new RawClient(server.port);
      client.say('GET /mcp HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n');
      await client.until(({ received }) => received.includes('"n"'));
      // The stream ends with the server: the test has no time for the grace.
      await server.close(120_000);
      await client.end();
      expect(client.received).toMatch(/0\r\n\r\n$/);
      expect(reasons).toEqual(['server-stops']);
    });

    test('I05 lets a call in progress finish, with its connection', async () => {
      const server = await open({
        onMcp: ({ reply }) => void setTimeout(() => reply.end('{"done":1}'), 150),
      });
      const client = new RawClient(server.port).say(wire('{}'));
      const idle = await new RawClient(server.port).until(() => server.stats.connections === 2);
      await waitFor(() => server.stats.open === 1);
      await server.close(5_000);
      await Promise.all([client.end(), idle.end()]);
      expect(client.received).toMatch(/connection: close\r\n[^]*\{"done":1\}$/i);
    });

    test('I05 cuts what is not done by the deadline, and says so', async () => {
      const reasons: string[] = [];
      const server = await open({
        onMcp({ body, reply }) {
          reply.onClose((why) => reasons.push(why));
          if (body === 'stream') reply.event('{"n":1}');
        },
      });
      const plain = new RawClient(server.port).say(wire('plain'));
      const stream = new RawClient(server.port).say(wire('stream'));
      const half = new RawClient(server.port).say('POST /mcp HTT');
      await waitFor(() => server.stats.open === 2 && server.stats.connections === 3);
      await server.close(100);
      await Promise.all([plain.end(), stream.end(), half.end()]);
      expect(plain.statuses).toEqual([503]);
      expect(stream.received).toMatch(/"n":1\}\n\n\r\n0\r\n\r\n$/);
      expect(reasons).toEqual(['server-stops', 'server-stops']);
    });

    test('accepts nobody any more', async () => {
      const server = await open();
      await server.close(0);
      await expect(post(server.url, '{}')).rejects.toThrow('fetch failed');
    });

    test('I05 lets a large answer that is written leave within the grace', async () => {
      const answer = `"${'x'.repeat(8_000_000)}"`;
      const server = await open({ onMcp: ({ reply }) => reply.end(answer) });
      const client = new RawClient(server.port);
      client.socket.pause();
      client.say(wire('{}'));
      await waitFor(() => server.stats.requests === 1);
      await pause(50);
      setTimeout(() => client.socket.resume(), 100);
      await server.close(5_000);
      await client.end();
      expect(client.received.endsWith(answer)).toBe(true);
    });
  });
});
