/** The connections to a real server: how many, for whom, how long. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type AddressInfo, createServer as createTcp, type Socket } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { ConnectionPool } from '../../../src/transport/http-client/pool.ts';
import { until } from '../../harness/until.ts';

type Answering = (request: IncomingMessage, response: ServerResponse) => void;

interface Under {
  readonly connections: ConnectionPool;
  /** Connections that the server has seen, open ones and others. */
  readonly sockets: Socket[];
  readonly seen: IncomingMessage[];
}

async function over(answer: Answering, most = 4, keepAliveTimeout = 60_000): Promise<Under> {
  const server = createServer({ keepAliveTimeout }, (request, response) => {
    seen.push(request);
    answer(request, response);
  });
  const sockets: Socket[] = [];
  const seen: IncomingMessage[] = [];
  server.on('connection', (socket) => sockets.push(socket)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { connections: connectionsTo((server.address() as AddressInfo).port, most, server), sockets, seen };
}

function connectionsTo(port: number, most: number, server: { close(): void }): ConnectionPool {
  const origin = new URL(`http://127.0.0.1:${port}`);
  const connections = new ConnectionPool({ origin, connections: most, connectTimeoutMs: 5000 });
  onTestFinished(async () => {
    await connections.destroy();
    server.close();
  });
  return connections;
}

interface Sent {
  readonly answer: Promise<string>;
  abort(): void;
}

function send(
  connections: ConnectionPool,
  body = 'hello',
  headers: string[] = ['x-a', '1'],
  path = '/mcp',
): Sent {
  let abort: () => void = () => {};
  const answer = new Promise<string>((resolve, reject) => {
    let text = '';
    const request = { origin: 'http://127.0.0.1', method: 'POST' as const, path, headers, body };
    connections.dispatch(request, {
      onRequestStart: (controller) => (abort = () => controller.abort(new Error('given up'))),
      onResponseData: (_, chunk) => void (text += chunk.toString()),
      onResponseEnd: () => resolve(text),
      onResponseError: (_, error) => reject(error),
    });
  });
  answer.catch(() => {});
  return { answer, abort: () => abort() };
}

const echo: Answering = (request, response) => void request.pipe(response);

test('requests one after another share a connection, and each gets its own answer', async () => {
  const { connections, sockets, seen } = await over(echo);
  for (const word of ['one', 'zwölf', '🦊'.repeat(5000)])
    expect(await send(connections, word).answer).toBe(word);
  expect(sockets).toHaveLength(1);
  expect(seen[1]?.headers).toMatchObject({ 'x-a': '1', 'content-length': '6', connection: 'keep-alive' });
});

test('no more connections are open than allowed; the others wait, and none is lost', async () => {
  const MOST = 3;
  const held: (() => void)[] = [];
  const { connections, sockets } = await over((request, response) => {
    held.push(() => request.pipe(response));
    if (held.length === MOST) for (const answer of held.splice(0)) answer();
  }, MOST);
  const words = Array.from({ length: 16 * MOST }, (_, i) => `word ${i}`);
  expect(await Promise.all(words.map((word) => send(connections, word).answer))).toEqual(words);
  expect(sockets).toHaveLength(MOST);
});

test('a field that changes is written anew, and one beyond ASCII as its bytes', async () => {
  const { connections, seen } = await over(echo);
  await send(connections, 'ä', ['x-a', '1']).answer;
  await send(connections, 'ä', ['x-a', 'caf\u00e9']).answer;
  expect(seen.map(({ headers }) => headers['x-a'])).toEqual(['1', 'caf\u00e9']);
});

test.each([
  [['x-a', 'a\r\nx-b: c'], '/mcp'],
  [['x-a\r\n', '1'], '/mcp'],
  [['x-a', '\u2028'], '/mcp'],
  [[], '/mcp HTTP/1.1\r\nx: y\r\n\r\n'],
])('nothing is written where a field or path would break the request: %j %j', async (headers, path) => {
  const { connections, seen } = await over(echo);
  await expect(send(connections, 'a', headers, path).answer).rejects.toMatchObject({
    code: 'ERR_INVALID_CHAR',
  });
  expect(await send(connections, 'after').answer).toBe('after');
  expect(seen).toHaveLength(1);
});

test('a request that is given up takes its connection with it, and not its neighbours', async () => {
  const { connections, sockets, seen } = await over((request, response) => {
    if (request.headers['x-a'] === 'hangs') return;
    request.pipe(response);
  }, 1);
  const hanging = send(connections, 'a', ['x-a', 'hangs']);
  const behind = send(connections, 'behind');
  await until('the first', () => seen.length === 1);
  hanging.abort();
  await expect(hanging.answer).rejects.toThrow('given up');
  expect(await behind.answer).toBe('behind');
  await until('the end of the first', () => sockets[0]?.destroyed === true);
});

test('a connection that the server closes while it is not used is not used again', async () => {
  const { connections, sockets } = await over(echo);
  await send(connections).answer;
  sockets[0]?.end();
  await until('the end', () => sockets[0]?.destroyed === true);
  expect(await send(connections, 'again').answer).toBe('again');
  expect(sockets).toHaveLength(2);
});

test('a connection is left before the server says that it will be closed', async () => {
  // Node tells its clients: "Keep-Alive: timeout=2"; that is too soon to use it again.
  const { connections, sockets } = await over(echo, 4, 2000);
  await send(connections).answer;
  await until('the end', () => sockets[0]?.destroyed === true, 1500);
});

test('a server that breaks off, or talks before it is asked, fails what is under way', async () => {
  const talks = createTcp((socket) => {
    socket.on('error', () => {});
    socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\nhalf'));
  }).listen(0, '127.0.0.1');
  await once(talks, 'listening');
  const connections = connectionsTo((talks.address() as AddressInfo).port, 1, talks);
  await expect(send(connections).answer).rejects.toThrow('other side closed');
  await expect(send(connections).answer).rejects.toThrow('other side closed');
});

test('what waits when all is destroyed is told, and nothing comes after', async () => {
  const { connections, seen } = await over(() => {}, 1);
  const [one, two] = [send(connections), send(connections)];
  await until('the first', () => seen.length === 1);
  await connections.destroy();
  await expect(one.answer).rejects.toThrow('closed');
  await expect(two.answer).rejects.toThrow('closed');
  await expect(send(connections).answer).rejects.toThrow('closed');
});

describe('an answer that nobody asked for', () => {
  const ONE = 64 * 1024;
  const answer = (body: string): string => `HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
  /** As long as one read of a socket is, so that what follows comes in another. */
  const filled = answer('x'.repeat(ONE - answer('x'.repeat(65_000)).length + 65_000));

  /** Answers the first request on a connection with `first`, and any other with `wanted`. */
  async function talkative(
    first: (socket: Socket) => void,
  ): Promise<{ connections: ConnectionPool; opened(): number }> {
    let opened = 0;
    const server = createTcp((socket) => {
      opened++;
      const talks = opened === 1;
      socket.setNoDelay(true).on('error', () => {});
      let requests = 0;
      socket.on('data', () => {
        if (requests++ === 0 && talks) first(socket);
        else socket.write(answer('wanted'));
      });
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    return {
      connections: connectionsTo((server.address() as AddressInfo).port, 1, server),
      opened: () => opened,
    };
  }

  test.each([
    ['in the same read', (socket: Socket) => void socket.write(answer('first') + answer('unasked'))],
    ['in the next read', (socket: Socket) => void socket.write(filled + answer('unasked'))],
    [
      'as a write of its own',
      (socket: Socket) => {
        socket.write(answer('first'));
        socket.write(answer('unasked'));
      },
    ],
    ['as half of one', (socket: Socket) => void socket.write(`${filled}HTTP/1.1 200 OK\r\n`)],
    [
      'as the word that it leaves',
      (socket: Socket) => void socket.end(`${filled}HTTP/1.1 408 Timeout\r\n\r\n`),
    ],
  ])('%s is not taken for the answer to the request that waits', async (_how, first) => {
    const { connections, opened } = await talkative(first);
    const one = send(connections, 'one');
    const behind = send(connections, 'behind');
    expect(['first', filled.slice(-10_000)]).toContain((await one.answer).slice(-10_000));
    expect(await behind.answer).toBe('wanted');
    expect(opened()).toBe(2);
  });

  test('is not taken for the answer to one that is sent as soon as the first is answered', async () => {
    const { connections, opened } = await talkative(
      (socket) => void socket.write(filled + answer('unasked')),
    );
    const behind = await new Promise<string>((resolve, reject) => {
      connections.dispatch(
        { origin: 'http://127.0.0.1', method: 'POST', path: '/mcp', headers: [], body: 'one' },
        {
          onResponseEnd: () => send(connections, 'behind').answer.then(resolve, reject),
          onResponseError: (_, error) => reject(error),
        },
      );
    });
    expect(behind).toBe('wanted');
    expect(opened()).toBe(2);
  });
});

test('a request that is sent as soon as an answer has come uses the same connection', async () => {
  const { connections, sockets } = await over(echo);
  for (let i = 0; i < 20; i++)
    await new Promise<void>((resolve, reject) => {
      connections.dispatch(
        { origin: 'http://127.0.0.1', method: 'POST', path: '/mcp', headers: [], body: 'one' },
        {
          onResponseEnd: () => void send(connections, 'behind').answer.then(() => resolve(), reject),
          onResponseError: (_, error) => reject(error),
        },
      );
    });
  expect(sockets).toHaveLength(1);
});
