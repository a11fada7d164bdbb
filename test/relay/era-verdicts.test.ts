/** Which way a server is asked first, what is remembered of it, and what happens when that has become wrong. */
import { writeFileSync } from 'node:fs';
import type http from 'node:http';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, test } from 'vitest';
import {
  eventOf,
  httpServer,
  idOf,
  json,
  methodOf,
  resultFor,
  type Seen,
  startEvents,
  type TestServer,
} from '../fixtures/http/servers.ts';
import { legacyHttpClient } from './wire/clients.ts';
import { told, type Wire } from './wire/conversation.ts';
import { inProcess } from './wire/in-process.ts';
import { RAW } from './wire/proxies.ts';
import { temporaryFolder } from '../harness/temp-folder.ts';

const MODERN = '2026-07-28';

function folder(): string {
  return temporaryFolder('verdict');
}

/** Starts a proxy, calls `use`, and stops it. */
async function visit<T>(
  config: Wire,
  use: (call: (name: string, args?: Wire) => Promise<Wire>) => Promise<T>,
): Promise<T> {
  const proxy = await inProcess({ expose: { namespaces: 'none', metaTools: false }, ...config });
  const client = await legacyHttpClient(proxy.url, { stream: false });
  try {
    return await use((name, args) => client.call(name, args));
  } finally {
    await client.leave();
    await proxy.close();
  }
}

describe('a server over stdio', () => {
  const GREETINGS = new Set(['initialize', 'server/discover']);

  /** One address whose server can be replaced between two starts. `prelude` runs before it. */
  function replaceable(): { config: Wire; become(options: Wire, prelude?: string): void } {
    const stateDir = folder();
    const script = join(stateDir, 'server.mjs');
    const entry = { command: process.execPath, args: [script], connectTimeoutMs: 1500 };
    return {
      config: { stateDir, mcpServers: { one: entry } },
      become: (options, prelude = '') =>
        writeFileSync(
          script,
          `${prelude}; process.argv[2] = ${JSON.stringify(JSON.stringify(options))}; await import(${JSON.stringify(pathToFileURL(RAW).href)});`,
        ),
    };
  }

  /** How the server of this start was greeted. */
  function greetings(config: Wire): Promise<string[]> {
    return visit(config, async (call) =>
      (told(await call('seen')) as { message: Wire }[])
        .map(({ message }) => message['method'] as string)
        .filter((method) => GREETINGS.has(method)),
    );
  }

  test.each([
    ['modern', ['initialize', 'server/discover'], ['server/discover']],
    ['legacy', ['initialize'], ['initialize']],
  ])('of the %s family is asked so at once from the second start on', async (era, first, later) => {
    const { config, become } = replaceable();
    become({ era });
    expect(await greetings(config)).toEqual(first);
    expect(await greetings(config)).toEqual(later);
    expect(await greetings(config)).toEqual(later);
  });

  /** In the place of the answer that tells that the method is unknown. */
  function instead(deed: string): string {
    return `const write = process.stdout.write.bind(process.stdout);
      process.stdout.write = (text) => String(text).includes('no server/discover') ? ${deed} : write(text)`;
  }
  const EXITS = instead('process.exit(3)');
  const SILENT = instead('true');

  test.each([
    ['answers that it does not know the method', '', ['server/discover', 'initialize']],
    ['exits at the unknown method', EXITS, ['initialize']],
    ['stays silent at the unknown method', SILENT, ['initialize']],
  ])(
    'that was modern and now is legacy, and %s, is used all the same',
    async (_how, prelude, handshakeDone) => {
      const { config, become } = replaceable();
      become({ era: 'modern' });
      await greetings(config);
      become({ era: 'legacy' }, prelude);
      expect(await greetings(config)).toEqual(handshakeDone);
      expect(await greetings(config)).toEqual(['initialize']);
    },
  );

  test('that was legacy and now is modern is used all the same', async () => {
    const { config, become } = replaceable();
    become({ era: 'legacy' });
    await greetings(config);
    become({ era: 'modern' });
    expect(await greetings(config)).toEqual(['initialize', 'server/discover']);
    expect(await greetings(config)).toEqual(['server/discover']);
  });
});

const TOOLS = { tools: [{ name: 'echo', inputSchema: { type: 'object' } }] };
const SAID = { content: [{ type: 'text', text: 'said' }] };

type Answer = (seen: Seen, response: http.ServerResponse) => void;

function rpcError(seen: Seen, code: number, id: number | null = idOf(seen)): string {
  return JSON.stringify({ jsonrpc: '2.0', id, error: { code, message: 'no' } });
}

const legacyServer: Answer = (seen, response) => {
  if (seen.method !== 'POST') return void response.writeHead(405).end();
  switch (methodOf(seen)) {
    case 'initialize':
      return json(response, resultFor(seen, helloOf('2025-06-18')));
    case 'server/discover':
      return void response.writeHead(400).end('no session');
  }
  legacyAnswer(seen, response, (text) => json(response, text));
};

function helloOf(protocolVersion: string): Wire {
  return { protocolVersion, capabilities: { tools: {} }, serverInfo: { name: 's', version: '1' } };
}

function legacyAnswer(seen: Seen, response: http.ServerResponse, answer: (text: string) => void): void {
  const method = methodOf(seen);
  if (method.startsWith('notifications/')) response.writeHead(202).end();
  else answer(resultFor(seen, method === 'tools/list' ? TOOLS : SAID));
}

/** Refuses `initialize` with `refusal`. */
function modernServer(refusal: (seen: Seen, response: http.ServerResponse) => void): Answer {
  return (seen, response) => {
    if (seen.method !== 'POST') return void response.writeHead(405).end();
    const method = methodOf(seen);
    if (method === 'initialize') return refusal(seen, response);
    if (method === 'subscriptions/listen') return json(response, rpcError(seen, -32601), 404);
    const results: Record<string, Wire> = {
      'server/discover': { supportedVersions: [MODERN], capabilities: { tools: {} } },
      'tools/list': TOOLS,
    };
    json(response, resultFor(seen, { resultType: 'complete', ...(results[method] ?? SAID) }));
  };
}

/** A server of 2024-11-05: one stream for all answers; a POST to its address is refused with `refusal`. */
function sseServer(refusal: (seen: Seen, response: http.ServerResponse) => void): Answer {
  let stream: http.ServerResponse | undefined;
  return (seen, response) => {
    if (seen.method === 'GET') {
      stream = startEvents(response);
      stream.write('event: endpoint\ndata: /messages\n\n');
      return;
    }
    if (seen.path !== '/messages') return refusal(seen, response);
    const hello = methodOf(seen) === 'initialize' ? resultFor(seen, helloOf('2024-11-05')) : undefined;
    const tell = (text: string): void => {
      response.writeHead(202).end();
      stream?.write(`event: message\n${eventOf(text)}`);
    };
    if (hello === undefined) legacyAnswer(seen, response, tell);
    else tell(hello);
  };
}

/** How it was greeted since the last time this was asked. */
function greetingsSince(server: TestServer): () => string[] {
  let from = 0;
  return () => {
    const seen = server.seen.slice(from).filter(({ method }) => method === 'POST');
    from = server.seen.length;
    return seen.map(methodOf).filter((method) => method === 'initialize' || method === 'server/discover');
  };
}

describe('a server over HTTP', () => {
  const refusals: [string, Parameters<typeof modernServer>[0]][] = [
    ['400 and -32022', (seen, response) => json(response, rpcError(seen, -32022), 400)],
    ['400 and -32020', (seen, response) => json(response, rpcError(seen, -32020), 400)],
    ['404 and -32601', (seen, response) => json(response, rpcError(seen, -32601), 404)],
    ['400 and nothing', (_seen, response) => void response.writeHead(400).end()],
  ];
  const used = (config: Wire): Promise<Wire> => visit(config, (call) => call('echo'));

  test.each([
    ['modern', modernServer(() => {}), ['server/discover'], ['server/discover']],
    ['legacy', legacyServer, ['server/discover', 'initialize'], ['initialize']],
  ] as const)(
    'of the %s family is asked so at once from the second start on',
    async (_era, answer, first, later) => {
      const server = await httpServer(answer);
      const handshakeDone = greetingsSince(server);
      const config = { stateDir: folder(), mcpServers: { one: { type: 'http', url: server.url } } };
      for (const expected of [first, later, later]) {
        expect(await used(config)).toMatchObject(SAID);
        expect(handshakeDone()).toEqual(expected);
      }
    },
  );

  test.each(refusals)(
    'that was legacy and now is modern, and answers %s, is used all the same',
    async (_how, refusal) => {
      let answer = legacyServer;
      const server = await httpServer((seen, response) => answer(seen, response));
      const handshakeDone = greetingsSince(server);
      const config = { stateDir: folder(), mcpServers: { one: { url: server.url } } };
      await used(config);
      answer = modernServer(refusal);
      handshakeDone();
      expect(await used(config)).toMatchObject(SAID);
      expect(handshakeDone()).toEqual(['initialize', 'server/discover']);
      await used(config);
      expect(handshakeDone()).toEqual(['server/discover']);
    },
  );

  test('that was modern and now is legacy is used all the same', async () => {
    let answer = modernServer(() => {});
    const server = await httpServer((seen, response) => answer(seen, response));
    const handshakeDone = greetingsSince(server);
    const config = { stateDir: folder(), mcpServers: { one: { type: 'http', url: server.url } } };
    await used(config);
    answer = legacyServer;
    handshakeDone();
    expect(await used(config)).toMatchObject(SAID);
    expect(handshakeDone()).toEqual(['server/discover', 'initialize']);
    await used(config);
    expect(handshakeDone()).toEqual(['initialize']);
  });
});

describe('a server whose `type` is left out', () => {
  const status = (code: number): Parameters<typeof sseServer>[0] => {
    return (_seen, response) => void response.writeHead(code, { 'content-type': 'text/plain' }).end('no');
  };
  const withBody = (code: number): Parameters<typeof sseServer>[0] => {
    return (seen, response) => json(response, rpcError(seen, -32000, null), code);
  };
  const asks = ({ method, path }: Seen): boolean => method === 'GET' && path === '/mcp';

  test.each([
    ['400', status(400)],
    ['404', status(404)],
    ['405', status(405)],
    ['404 with an error of no request', withBody(404)],
    ['405 with an error of no request', withBody(405)],
  ])('is asked over SSE where it refuses a POST with %s', async (_how, refusal) => {
    const server = await httpServer(sseServer(refusal));
    const config = { stateDir: folder(), mcpServers: { one: { url: server.url } } };
    for (const expected of [['server/discover', 'initialize'], ['initialize']]) {
      const from = server.seen.length;
      expect(await visit(config, (call) => call('echo'))).toMatchObject(SAID);
      const posts = server.seen
        .slice(from)
        .filter(({ method, path }) => method === 'POST' && path === '/mcp');
      expect(posts.map(methodOf)).toEqual(expected);
    }
  });

  test.each([
    [401, ['server/discover']],
    ...[403, 429, 500, 502, 503].map((code) => [code, ['server/discover', 'initialize']] as const),
  ] as const)(
    'is not taken for one with the older transport where it refuses a POST with %i',
    async (code, asked) => {
      const server = await httpServer(sseServer(status(code)));
      const config = { mcpServers: { one: { url: server.url, restart: { enabled: false } } } };
      expect(await visit(config, (call) => call('echo'))).toMatchObject({
        isError: true,
        _meta: {
          'switchyard/error': { code: 'DOWNSTREAM_UNAVAILABLE', server: 'one', delivered: false },
        },
      });
      expect(server.seen.some(asks)).toBe(false);
      expect(new Set(server.seen.map(methodOf))).toEqual(new Set(asked));
    },
  );

  test('is not asked over SSE where `type` says "http"', async () => {
    const server = await httpServer(sseServer(status(405)));
    const config = { mcpServers: { one: { type: 'http', url: server.url } } };
    await visit(config, (call) => call('echo')).catch(() => {});
    expect(server.seen.some(asks)).toBe(false);
    expect(server.seen.map(methodOf)).toContain('initialize');
  });
});
