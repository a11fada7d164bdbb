import { describe, expect, test } from 'vitest';
import { wholeText } from '../../../src/json/elided.ts';
import type { HttpReply } from '../../../src/transport/http-server/reply.ts';
import { open, pause, post, RawClient, waitFor, wire, withEachServer } from './fixture.ts';

withEachServer(() => {
  const FAST = { headersMs: 150, bodyMs: 300, keepAliveMs: 500, drainMs: 100, lingerMs: 100 };

  describe('slow clients', () => {
    // Long enough for all of them to connect on a busy machine.
    const timeouts = { ...FAST, headersMs: 1_500, bodyMs: 2_000 };
    const CROWD = 500;

    test(
      'G01 that never finish their headers get 408, while others are served',
      { timeout: 30_000 },
      async () => {
        const server = await open({ timeouts });
        const slow = Array.from({ length: CROWD }, () =>
          new RawClient(server.port).say('POST /mcp HTTP/1.1\r\nHost: '),
        );
        await waitFor(() => server.stats.connections === CROWD);
        expect((await post(server.url, '{}')).status).toBe(200);
        const dripping = setInterval(() => slow.forEach((client) => client.say('a')), 200);
        await waitFor(() => slow.every(({ closed }) => closed), 20_000);
        clearInterval(dripping);
        expect(slow.every(({ statuses }) => statuses.length === 1 && statuses[0] === 408)).toBe(true);
        expect((await post(server.url, '{}')).status).toBe(200);
      },
    );

    test(
      'G01 that never finish their body get 408, while others are served',
      { timeout: 30_000 },
      async () => {
        const bodies: string[] = [];
        const server = await open({
          timeouts,
          onMcp({ body, reply }) {
            bodies.push(wholeText(body));
            reply.end('{}');
          },
        });
        const begun = wire('{', ['Content-Length: 100']);
        const slow = Array.from({ length: CROWD }, () => new RawClient(server.port).say(begun));
        await waitFor(() => server.stats.requests === CROWD);
        expect((await post(server.url, '{}')).status).toBe(200);
        await waitFor(() => slow.every(({ closed }) => closed), 20_000);
        expect(slow.every(({ statuses }) => statuses.length === 1 && statuses[0] === 408)).toBe(true);
        expect(bodies).toEqual(['{}']);
      },
    );

    test('G02 that send chunks without end get 408', async () => {
      const { port } = await open({ timeouts: FAST });
      const client = new RawClient(port).say(wire('', ['Transfer-Encoding: chunked']));
      const dripping = setInterval(() => client.say('1\r\nx\r\n'), 30);
      await client.end();
      clearInterval(dripping);
      expect(client.statuses).toEqual([408]);
    });

    test('G01 that ask nothing are closed without a word', async () => {
      const server = await open({ timeouts: FAST });
      const silent = new RawClient(server.port);
      const served = new RawClient(server.port).say(wire('{}'));
      await Promise.all([silent.end(), served.end()]);
      expect([silent.received, served.statuses]).toEqual(['', [200]]);
    });

    test('G01 that stop in the head behind an answered request get 408, behind an empty line not a word', async () => {
      const { port } = await open({ timeouts: FAST });
      const begun = new RawClient(port).say(`${wire('{}')}POST /mcp HTT`);
      const idle = new RawClient(port).say(`${wire('{}')}\r\n`);
      await Promise.all([begun.end(), idle.end()]);
      expect([begun.statuses, idle.statuses]).toEqual([[200, 408], [200]]);
    });

    test('beyond the cap are closed at once, and logged once', async () => {
      const server = await open({ maxConnections: 5 });
      const first = Array.from({ length: 5 }, () => new RawClient(server.port));
      await waitFor(() => server.stats.connections === 5);
      const further = Array.from({ length: 5 }, () => new RawClient(server.port));
      await Promise.all(further.map((client) => client.end()));
      expect(first.every(({ closed }) => !closed)).toBe(true);
      expect(server.log.filter(({ message }) => message.startsWith('too many connections'))).toHaveLength(1);
    });
  });

  describe('large requests', () => {
    test('G02 a header of 100 KB gets 431', async () => {
      const { port } = await open();
      const client = await new RawClient(port).say(wire('{}', [`X-Big: ${'x'.repeat(100_000)}`])).end();
      expect(client.statuses).toEqual([431]);
    });

    test.each([4_000, 300])('G02 %i headers get 431', async (count) => {
      const { port } = await open();
      const headers = Array.from({ length: count }, (_, i) => `x${i}: ${i}`);
      const client = new RawClient(port).say(wire('{}', headers));
      await client.until(({ statuses }) => statuses.length > 0);
      expect(client.statuses).toEqual([431]);
    });

    test('G02 a body of 50 MB gets 413, which the client can read while it still sends', async () => {
      let calls = 0;
      const server = await open({ onMcp: () => void calls++ });
      const client = new RawClient(server.port).say(wire('', ['Content-Length: 52428800']));
      for (let i = 0; i < 50; i++) client.say(Buffer.alloc(1_048_576, 0x20));
      await client.end();
      expect(client.statuses).toEqual([413]);
      expect(client.received).toMatch(/connection: close\r\n/i);
      expect(calls).toBe(0);
      expect((await post(server.url, ' '.repeat(60_000_000))).status).toBe(413);
    });

    test('G02 a chunked body gets 413 once it is too large', async () => {
      const { port } = await open({ timeouts: FAST });
      const client = new RawClient(port).say(wire('', ['Transfer-Encoding: chunked']));
      const chunk = `4000\r\n${'x'.repeat(0x4000)}\r\n`;
      for (let i = 0; i < 10; i++) client.say(chunk);
      await client.end();
      expect(client.statuses).toEqual([413]);
    });

    test('G02 a client that asks before sending is refused before it sends', async () => {
      const { port } = await open({ timeouts: FAST });
      const refused = new RawClient(port).say(wire('', ['Content-Length: 200000', 'Expect: 100-continue']));
      await refused.end();
      expect(refused.statuses).toEqual([413]);
      const taken = new RawClient(port).say(wire('', ['Content-Length: 2', 'Expect: 100-continue']));
      await taken.until(({ statuses }) => statuses.includes(100));
      await taken.say('{}').until(({ statuses }) => statuses.length === 2);
      expect(taken.statuses).toEqual([100, 200]);
    });

    test('a body of exactly the limit is taken, whole, in however many chunks', async () => {
      const { url, port } = await open();
      const body = JSON.stringify('ü'.repeat(49_999));
      expect(await (await post(url, body)).json()).toMatchObject({ body });
      const client = new RawClient(port).say(wire('', ['Transfer-Encoding: chunked', 'Connection: close']));
      const bytes = Buffer.from(body);
      for (let i = 0; i < bytes.length; i += 777) {
        const part = bytes.subarray(i, i + 777);
        client
          .say(`${part.length.toString(16)}\r\n`)
          .say(part)
          .say('\r\n');
      }
      await client.say('0\r\n\r\n').end();
      expect(client.received).toContain(JSON.stringify(body));
    });

    test('a body sent one byte a chunk does not cost many times its size', { timeout: 30_000 }, async () => {
      const size = 600_000;
      const { port } = await open({ maxBodyBytes: size, onMcp: ({ reply }) => reply.end('{}') });
      const client = new RawClient(port).say(wire('', ['Transfer-Encoding: chunked']));
      const before = process.memoryUsage().heapUsed;
      let most = 0;
      const watch = setInterval(() => (most = Math.max(most, process.memoryUsage().heapUsed)), 10);
      for (let i = 0; i < 40; i++) client.say('1\r\nx\r\n'.repeat(size / 40));
      client.say('0\r\n\r\n');
      await waitFor(() => client.statuses.length > 0, 20_000);
      clearInterval(watch);
      expect(client.statuses).toEqual([200]);
      expect(most - before).toBeLessThan(80_000_000);
    });
  });

  describe('bodies that are no text', () => {
    test('G03 an empty one gets 400 and a parse error', async () => {
      const { url } = await open();
      const response = await post(url, '');
      expect(response.status).toBe(400);
      expect(await response.json()).toMatchObject({ jsonrpc: '2.0', id: null, error: { code: -32700 } });
    });

    test.each([
      ['a lone continuation byte', [0x22, 0x80, 0x22]],
      ['an overlong form', [0x22, 0xc0, 0xaf, 0x22]],
      ['half a surrogate pair', [0x22, 0xed, 0xa0, 0x80, 0x22]],
      ['a cut sequence', [0x22, 0xe2, 0x82]],
      ['UTF-16', [0xff, 0xfe, 0x7b, 0x00]],
    ])('G03 %s gets 400 and a parse error', async (_, bytes) => {
      const { url } = await open();
      const response = await post(url, Uint8Array.from(bytes));
      expect(response.status).toBe(400);
      expect(await response.json()).toMatchObject({ error: { code: -32700 } });
    });

    test('G03 a byte order mark is taken off', async () => {
      const { url } = await open();
      expect(await (await post(url, '\ufeff{}')).json()).toMatchObject({ body: '{}' });
    });
  });

  describe('framing', () => {
    test.each([
      ['both length and chunks', ['Content-Length: 5', 'Transfer-Encoding: chunked']],
      ['two different lengths', ['Content-Length: 5', 'Content-Length: 6']],
      ['a length that is no number', ['Content-Length: 5x']],
      ['a negative length', ['Content-Length: -1']],
      ['chunked not last', ['Transfer-Encoding: chunked, identity']],
      ['a space before the colon', ['Transfer-Encoding : chunked']],
      ['a folded field', ['X-A: 1', ' Transfer-Encoding: chunked']],
      ['a line that ends without CR', ['X-A: 1\nTransfer-Encoding: chunked']],
      ['a second host', ['Host: evil.example']],
    ])('G04 %s is refused and the connection closed', async (_, headers) => {
      let calls = 0;
      const { port } = await open({ timeouts: FAST, onMcp: () => void calls++ });
      const smuggled = 'GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n';
      const client = new RawClient(port).say(wire(`0\r\n\r\n${smuggled}`, headers));
      await client.end();
      expect(client.statuses).toEqual([400]);
      expect(calls).toBe(0);
    });

    test('G04 pipelined requests are answered in their order', async () => {
      const { port } = await open({
        onMcp: ({ body, reply }) =>
          void setTimeout(() => reply.end(wholeText(body)), body === '"first"' ? 80 : 1),
      });
      const client = new RawClient(port).say(wire('"first"') + wire('"second"') + wire('"third"'));
      await client.until(({ received }) => received.includes('third'));
      expect(client.received.match(/"\w+"$|"\w+"(?=HTTP)/g)).toEqual(['"first"', '"second"', '"third"']);
    });

    test('G04 rubbish behind a request is never taken for its answer', async () => {
      const { port } = await open({
        onMcp: ({ reply }) => void setTimeout(() => reply.end('{"late":1}'), 100),
      });
      const client = await new RawClient(port).say(`${wire('{}')}RUBBISH\r\n\r\n`).end();
      expect(client.statuses).toEqual([200, 400]);
      expect(client.received).toMatch(/^HTTP\/1\.1 200 [^]*\{"late":1\}HTTP\/1\.1 400 /);
    });

    test('G04 what comes before an answer waits for it, and no more of it than a little', async () => {
      let reply: HttpReply | undefined;
      const server = await open({ onMcp: (exchange) => void (reply = exchange.reply) });
      const client = new RawClient(server.port).say(wire('"first"'));
      await waitFor(() => reply !== undefined);
      // More than the system's buffers hold.
      const ahead = 16 * 1024 * 1024;
      for (let sent = 0; sent < ahead; sent += 65_536) client.say(wire(`"${'x'.repeat(65_000)}"`));
      await pause(100);
      expect(client.socket.writableLength).toBeGreaterThan(0);
      expect(server.stats.requests).toBe(1);
      reply?.end('1');
      await waitFor(() => server.stats.requests === 2);
    });

    test('G04 an empty line before a request is passed over', async () => {
      const { port } = await open();
      const client = new RawClient(port).say(`\r\n${wire('{}')}\r\n`).say(wire('{}'));
      await client.until(({ statuses }) => statuses.length === 2);
      expect(client.statuses).toEqual([200, 200]);
    });

    test('G04 a client that is refused before it was asked for its body has spoken its last', async () => {
      const { port } = await open({ timeouts: FAST });
      const refused = wire('', ['Content-Length: 2', 'Expect: 100-continue']).replace('/json', '/xml');
      const client = await new RawClient(port).say(refused + wire('{}')).end();
      expect(client.statuses).toEqual([415]);
      expect(client.received).toMatch(/connection: close\r\n/i);
    });

    test('G04 a connection is good for more after a small refused request', async () => {
      const { port } = await open();
      const wrong = wire('{}').replace('application/json', 'text/plain');
      const client = new RawClient(port).say(wrong + wire('{}'));
      await client.until(({ statuses }) => statuses.length === 2);
      expect(client.statuses).toEqual([415, 200]);
    });
  });

  describe('clients that do not read', () => {
    test('G06 a stream is cut when too much waits, and who feeds it is told', async () => {
      const reasons: string[] = [];
      let reply: HttpReply | undefined;
      const server = await open({
        silenceMs: 200,
        maxWaitingBytes: 1_000_000,
        onMcp(exchange) {
          reply = exchange.reply;
          reply.onClose((why) => reasons.push(why));
        },
      });
      const client = new RawClient(server.port);
      client.socket.pause();
      client.say(wire('{}'));
      await waitFor(() => reply !== undefined);
      const event = `"${'x'.repeat(100_000)}"`;
      let most = 0;
      for (let i = 0; i < 500 && !reply?.closed; i++) {
        reply?.event(event);
        most = Math.max(most, reply?.waitingBytes ?? 0);
        await pause(0);
      }
      await waitFor(() => reply?.closed === true);
      expect(reasons).toEqual(['client-too-slow']);
      expect(most).toBeGreaterThan(1_000_000);
      expect(most).toBeLessThan(4_300_000);
      await waitFor(() => server.stats.connections === 0);
      expect(server.stats).toMatchObject({ cut: 1, open: 0 });
      expect(server.log.filter(({ level }) => level === 'warn')).toHaveLength(1);
    });

    test('G06 a stream is not cut for what comes at once, as long as its client takes something', async () => {
      let reply: HttpReply | undefined;
      const server = await open({
        silenceMs: 400,
        maxWaitingBytes: 100_000,
        onMcp(exchange) {
          reply = exchange.reply;
        },
      });
      const client = new RawClient(server.port);
      client.socket.pause();
      client.say(wire('{}'));
      await waitFor(() => reply !== undefined);
      for (let i = 0; i < 20; i++) reply?.event(`"${'x'.repeat(2_000_000)}"`);
      client.socket.resume();
      await waitFor(() => reply?.waitingBytes === 0);
      reply?.end('"the answer"');
      await client.until(({ received }) => received.includes('the answer'));
      expect(server.stats.cut).toBe(0);
    });

    test('G06 a finished answer that nobody takes is cut after a while', async () => {
      const server = await open({
        silenceMs: 40,
        timeouts: { drainMs: 200, drainBytesPerSecond: 1_000_000_000 },
        onMcp: ({ reply }) => reply.end(`"${'x'.repeat(50_000_000)}"`),
      });
      const client = new RawClient(server.port);
      client.socket.pause();
      client.say(wire('{}'));
      await waitFor(() => server.stats.open === 1);
      await pause(100);
      expect(server.stats).toMatchObject({ cut: 0, connections: 1 });
      await waitFor(() => server.stats.connections === 0);
      expect(server.stats).toMatchObject({ cut: 1, open: 0 });
    });

    test.each(['/healthz', '/nothing'])(
      'G06 answers of %s that nobody takes are cut after a while',
      async (page) => {
        const server = await open({ timeouts: { drainMs: 200 } });
        const client = new RawClient(server.port);
        client.socket.pause();
        const asked = `GET ${page} HTTP/1.1\r\nHost: localhost\r\n\r\n`.repeat(1_000);
        for (let sent = 0; sent < 200; sent++) client.say(asked);
        await waitFor(() => server.stats.cut === 1);
        await waitFor(() => server.stats.connections === 0);
      },
    );

    test('G06 a client that reads is not cut, however large the answer', async () => {
      const answer = `"${'x'.repeat(50_000_000)}"`;
      const server = await open({ maxWaitingBytes: 1_000, onMcp: ({ reply }) => reply.end(answer) });
      expect(await (await post(server.url, '{}')).text()).toHaveLength(answer.length);
      await waitFor(() => server.stats.open === 0);
      expect(server.stats.cut).toBe(0);
    });
  });
});
