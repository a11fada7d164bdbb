/** What servers ask, and what clients answer, arrives as it was sent, within an era and from one to the other. */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { member, minify, print } from './json-text.ts';
import { ENVELOPE, type RawClient } from './raw-client.ts';
import { errorOf, type RawRequest, resultOf } from './raw-downstream.ts';
import {
  CLIENTS,
  CARRIERS,
  openRawWorld,
  type RawWorld,
  runs,
  SERVERS,
  type ServerName,
} from './raw-world.ts';
import { idText, type Question, question, questionAtClient, reply, rpcError } from './scenarios.ts';

const LONG = 120_000;
const TOOL = '{"name":"fuzz","inputSchema":{"type":"object"}}';
const META = `"_meta":${print({ members: ENVELOPE.map(([key, text]) => member(key, text)), spaces: [''] })}`;
const DONE = '{"content":[]}';
let world: RawWorld;
const listeners = Object.fromEntries(
  SERVERS.map((name) => [name, new Set<(text: string) => void>()]),
) as Record<ServerName, Set<(text: string) => void>>;

beforeAll(async () => {
  world = await openRawWorld(() => ({ tools: [TOOL], prompts: [], resources: [], resourceTemplates: [] }));
}, LONG);

afterAll(async () => {
  expect(world.proxy.mistakes).toEqual([]);
  await world.close();
});

const legacyServers = SERVERS.filter((name) => CARRIERS[name][1] === 'legacy');
const modernServers = SERVERS.filter((name) => CARRIERS[name][1] === 'modern');
const legacyClients = CLIENTS.filter((name) => name === 'stdio' || name === 'http');
const modernClients = CLIENTS.filter((name) => name !== 'stdio' && name !== 'http');
const key = fc.constantFrom('"1"', '"__proto__"', '"a/b"', '""');
const state = fc.constantFrom('"s"', '"\\u0041\\ud800"', '"\u2028"', '""');
const answer = fc.oneof(
  reply.map((result) => (id: string) => resultOf(id, result)),
  rpcError.map((error) => (id: string) => errorOf(id, error)),
);

describe('a legacy server that asks', () => {
  test.each(across(legacyClients, legacyServers))(
    'a legacy client: %s, %s',
    { timeout: LONG },
    async (client, server) => {
      const texts = fc.record({ questionId: idText, callId: idText, token: idText });
      await fc.assert(
        fc.asyncProperty(question, answer, texts, async (asked, answered, { questionId, callId, token }) => {
          const progress = hear(server, (text) => text.includes('"method":"notifications/progress"'));
          const heard = hearAnswer(server, questionId);
          const call = onNextCall(server, ({ send }) =>
            send(questionText(questionId, withToken(asked, token))),
          );
          let seen: string | undefined;
          const done = callTool(client, server, callId, '', (text, respond) => {
            const found = /^\{"jsonrpc":"2\.0","id":(\d+),"method":"([^"]+)","params":(.*)\}$/s.exec(text);
            const [, id, method, params] = found ?? [];
            if (id === undefined || params === undefined) return;
            seen = `${method} ${minify(params).replace(`,"_meta":{"progressToken":${id}}`, '')}`;
            respond(progressText(id));
            respond(answered(id).replaceAll(/[\r\n]/g, ' '));
          });
          expect(minify(await heard)).toBe(minify(answered(questionId)));
          expect(await progress).toBe(progressText(token));
          (await call).end(resultOf((await call).id, DONE));
          expect(await done).toBe(resultOf(callId, DONE));
          expect(seen).toBe(`${asked.method} ${questionAtClient(asked, server)}`);
        }),
        runs(5),
      );
    },
  );

  test.each(across(modernClients, legacyServers))(
    'a modern client: %s, %s',
    { timeout: LONG },
    async (client, server) => {
      await fc.assert(
        fc.asyncProperty(question, reply, idText, async (asked, replied, questionId) => {
          const heard = hearAnswer(server, questionId);
          const call = onNextCall(server, ({ send }) => send(questionText(questionId, asked)));
          const first = await callTool(client, server, '1', '');
          const [, params, sealed] =
            /^\{"jsonrpc":"2\.0","id":1,"result":\{"resultType":"input_required","inputRequests":\{"q1":\{"method":"[^"]+","params":(.*)\}\},"requestState":("[\w-]+")\}\}$/s.exec(
              first,
            ) ?? [];
          expect(minify(params ?? first)).toBe(questionAtClient(asked, server));
          const done = callTool(
            client,
            server,
            '2',
            `"inputResponses":{"q1":${replied}},"requestState":${sealed},`,
          );
          expect(minify(await heard)).toBe(minify(resultOf(questionId, replied)));
          (await call).end(resultOf((await call).id, DONE));
          expect(await done).toBe(resultOf('2', `{"resultType":"complete",${DONE.slice(1)}`));
        }),
        runs(5),
      );
    },
  );
});

describe('a modern server that asks', () => {
  test.each(across(legacyClients, modernServers))(
    'a legacy client: %s, %s',
    { timeout: LONG },
    async (client, server) => {
      await fc.assert(
        fc.asyncProperty(question, reply, key, state, async (asked, replied, name, kept) => {
          let second = '';
          world.downstreams[server].onCall = (request) => {
            const retry = request.params.includes('"inputResponses":');
            if (retry) second = request.params;
            request.end(resultOf(request.id, retry ? DONE : inputRequired(name, asked, kept)));
          };
          let seen = '';
          const done = await callTool(client, server, '1', '', (text, respond) => {
            const found = /^\{"jsonrpc":"2\.0","id":(\d+),"method":"[^"]+","params":(.*)\}$/s.exec(text);
            seen = minify(found?.[2] ?? '');
            respond(resultOf(found?.[1] ?? '', replied).replaceAll(/[\r\n]/g, ' '));
          });
          expect(done).toBe(resultOf('1', DONE));
          expect(seen).toBe(questionAtClient(asked, server));
          expect(minify(second)).toContain(
            `"inputResponses":{${name}:${minify(replied)}},"requestState":${kept}`,
          );
        }),
        runs(5),
      );
    },
  );

  test.each(across(modernClients, modernServers))(
    'a modern client: %s, %s',
    { timeout: LONG },
    async (client, server) => {
      await fc.assert(
        fc.asyncProperty(question, reply, key, state, async (asked, replied, name, kept) => {
          onNextCall(server, ({ id, end }) => end(resultOf(id, inputRequired(name, asked, kept)))).catch(
            () => {},
          );
          const first = minify(await callTool(client, server, '1', ''));
          expect(first).toContain(
            `{${name}:{"method":"${asked.method}","params":${questionAtClient(asked, server)}}}`,
          );
          const sealed = /"requestState":("[\w-]+")/.exec(first)?.[1] ?? '';
          const retry = onNextCall(server, ({ id, end }) =>
            end(resultOf(id, `{"resultType":"complete",${DONE.slice(1)}`)),
          );
          const done = await callTool(
            client,
            server,
            '2',
            `"inputResponses":{${name}:${replied}},"requestState":${sealed},`,
          );
          expect(done).toBe(resultOf('2', `{"resultType":"complete",${DONE.slice(1)}`));
          const { params } = await retry;
          expect(minify(params)).toContain(`"inputResponses":{${name}:${minify(replied)}}`);
          const state = /"requestState":("[^"]*")/.exec(params)?.[1] ?? 'null';
          expect(JSON.parse(state)).toBe(JSON.parse(kept));
        }),
        runs(5),
      );
    },
  );
});

function across<A extends string, B extends string>(
  clients: readonly A[],
  servers: readonly B[],
): (readonly [A, B])[] {
  return clients.flatMap((client) => servers.map((server) => [client, server] as const));
}

function withToken({ method, params }: Question, token: string): Question {
  const meta = member('_meta', `{"progressToken":${token}}`);
  return { method, params: { ...params, members: [...params.members, meta] } };
}

function questionText(id: string, { method, params }: Question): string {
  return `{"jsonrpc":"2.0","id":${id},"method":"${method}","params":${print(params)}}`;
}

function inputRequired(key: string, { method, params }: Question, state: string): string {
  return `{"resultType":"input_required","inputRequests":{${key}:{"method":"${method}","params":${print(params)}}},"requestState":${state}}`;
}

/** What the server gets for its question. */
function hearAnswer(server: ServerName, id: string): Promise<string> {
  return hear(server, (text) => text.startsWith(`{"jsonrpc":"2.0","id":${id},"`));
}

function hear(server: ServerName, matches: (text: string) => boolean): Promise<string> {
  return new Promise((resolve) => {
    const listener = (text: string): void => {
      if (!matches(text)) return;
      listeners[server].delete(listener);
      resolve(text);
    };
    listeners[server].add(listener);
    world.downstreams[server].onMessage = (text) => {
      for (const one of [...listeners[server]]) one(text);
    };
  });
}

function progressText(token: string): string {
  return `{"jsonrpc":"2.0","method":"notifications/progress","params":{"x":1.0,"progressToken":${token}}}`;
}

function onNextCall(server: ServerName, work: (request: RawRequest) => void): Promise<RawRequest> {
  return new Promise((resolve) => {
    world.downstreams[server].onCall = (request) => {
      work(request);
      resolve(request);
    };
  });
}

function callTool(
  clientName: (typeof CLIENTS)[number],
  server: string,
  id: string,
  more: string,
  onMessage?: Parameters<RawClient['call']>[0]['onMessage'],
): Promise<string> {
  const client = world.clients[clientName];
  const meta = client.era === 'modern' ? META : '"_meta":{}';
  const name = `${server}__fuzz`;
  const params = `{"name":"${name}",${more}${meta}}`;
  return client.call({ id, method: 'tools/call', name, params, ...(onMessage && { onMessage }) });
}
