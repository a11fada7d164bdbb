/**
 * Random extra keys, unknown blocks, deep and odd values go through every primitive and every transport, and arrive
 * as they were sent: compared as text, but for the parts that are the proxy's own.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { changed, member, minify, objectWith, print } from './json-text.ts';
import { type Definitions, definitionsFor, listingOf } from './definitions.ts';
import {
  CLIENTS,
  CARRIERS,
  type ClientName,
  openRawWorld,
  type RawWorld,
  runs,
  SERVERS,
  type ServerName,
} from './raw-world.ts';
import { ENVELOPE } from './raw-client.ts';
import { errorOf, type RawRequest, resultOf } from './raw-downstream.ts';
import {
  type CallScenario,
  callScenario,
  longCall,
  longResult,
  nameFor,
  notice,
  type Notice,
  noticeText,
  type Pair,
  paramsAtServer,
  resultAtClient,
  resultFor,
  rpcError,
  uriOf,
  withoutOwnKey,
} from './scenarios.ts';

const LONG = 120_000;
/** Of the definitions, which are made once; fast-check prints those of its own. */
const SEED = Number(process.env['FUZZ_SEED'] ?? Date.now() % 2 ** 31);
const ENVELOPE_ONLY = `{"_meta":${print({ members: ENVELOPE.map(([key, text]) => member(key, text)), spaces: [''] })}}`;
const definitions = Object.fromEntries(
  SERVERS.map((server) => [server, definitionsFor(server, SEED)]),
) as Record<ServerName, Definitions>;
let world: RawWorld;

beforeAll(async () => {
  world = await openRawWorld((name) => listingOf(definitions[name]));
}, LONG);

afterAll(async () => {
  await world.close();
});

const pairs = CLIENTS.flatMap((client) => SERVERS.map((server) => [client, server] as const));

describe.each(pairs)('between a client on %s and a server on %s', (clientName, serverName) => {
  test('calls, results and notifications arrive as they were sent', { timeout: LONG }, async () => {
    const pair = pairOf(clientName, serverName);
    const scenario = callScenario(pair).chain((call) =>
      fc.record({
        call: fc.constant(call),
        result: resultFor(call.method, pair),
        clientNotifications: fc.array(notice(call.token !== undefined), { maxLength: 3 }),
      }),
    );
    await fc.assert(
      fc.asyncProperty(scenario, async ({ call, result, clientNotifications }) => {
        const { request, answer, before } = await exchange(
          pair,
          clientName,
          call,
          (id) => resultOf(id, print(result)),
          clientNotifications,
        );
        expect(withoutOwnKey(request.params, call, pair)).toBe(paramsAtServer(call, pair, request.id));
        expect(minify(answer)).toBe(resultOf(call.id, resultAtClient(result, call.method, pair)));
        expect(before.map(minify)).toEqual(
          clientNotifications.map((one) => minify(noticeText(one, call.token))),
        );
        await pace(clientNotifications.length);
      }),
      runs(8),
    );
  });

  test.each([undefined, '"töken"'])(
    'a megabyte each way arrives as it was sent, with the progress token %s',
    { timeout: LONG },
    async (token) => {
      const pair = pairOf(clientName, serverName);
      const call = longCall(pair, token);
      const result = longResult(pair);
      const { request, answer } = await exchange(
        pair,
        clientName,
        call,
        (id) => resultOf(id, print(result)),
        [],
      );
      // Not by way of a diff.
      const expected = paramsAtServer(call, pair, request.id);
      expect(withoutOwnKey(request.params, call, pair) === expected).toBe(true);
      expect(minify(answer) === resultOf(call.id, resultAtClient(result, call.method, pair))).toBe(true);
    },
  );

  test('errors arrive as they were sent', { timeout: LONG }, async () => {
    const pair = pairOf(clientName, serverName);
    await fc.assert(
      fc.asyncProperty(callScenario(pair), rpcError, async (call, error) => {
        const { answer } = await exchange(pair, clientName, call, (id) => errorOf(id, error), []);
        expect(minify(answer)).toBe(minify(errorOf(call.id, error)));
      }),
      runs(4),
    );
  });
});

test.each(SERVERS.filter((name) => CARRIERS[name][0] !== 'http' && CARRIERS[name][1] === 'legacy'))(
  'an updated resource of %s is told to its subscriber as the server told it',
  async (server) => {
    const params = `{"uri":${uriOf(server)}}`;
    world.downstreams[server].onCall = ({ id, end }) => end(resultOf(id, '{}'));
    await world.clients.stdio.call({ id: '1', method: 'resources/subscribe', name: '', params });
    await fc.assert(
      fc.asyncProperty(objectWith([member('uri', uriOf(server))]), async (update) => {
        const notification = (text: string): string =>
          `{"jsonrpc":"2.0","method":"notifications/resources/updated","params":${text}}`;
        const heard = nextLine((line) => line.includes('resources/updated'));
        world.served[server].push(notification(print(update)));
        const seen = changed(update, { uri: () => JSON.stringify(JSON.parse(uriOf(server))) });
        expect(minify(await heard)).toBe(minify(notification(print(seen))));
        await pace(1);
      }),
      runs(8),
    );
  },
);

const LISTS = {
  tools: 'tools/list',
  prompts: 'prompts/list',
  resources: 'resources/list',
  resourceTemplates: 'resources/templates/list',
} as const;

describe.each(CLIENTS)('a client on %s', (clientName) => {
  test.each(Object.entries(LISTS))(
    'gets all %s as the servers wrote them, but for the name and, with it, the title',
    async (kind, method) => {
      const client = world.clients[clientName];
      const params = client.era === 'modern' ? ENVELOPE_ONLY : '{}';
      const answer = minify(await client.call({ id: '1', method, name: '', params }));
      for (const server of SERVERS)
        for (const { seen } of definitions[server][kind as keyof typeof LISTS])
          expect(answer.includes(seen), `seed ${SEED}: ${seen}`).toBe(true);
    },
  );
});

test('nothing of it was a mistake of the proxy', () => {
  expect(world.proxy.mistakes).toEqual([]);
  expect(world.proxy.alive).toBe(true);
});

function pairOf(clientName: ClientName, serverName: ServerName): Pair {
  return { client: world.clients[clientName].era, server: CARRIERS[serverName][1], serverName };
}

/** A server that says more than 200 things a second is cut short. */
function pace(said: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, said * 6));
}

function nextLine(matches: (line: string) => boolean): Promise<string> {
  return new Promise((resolve) => {
    const off = world.proxy.onLine((line) => {
      if (!matches(line)) return;
      off();
      resolve(line);
    });
  });
}

interface Exchanged {
  /** What the server got. */
  readonly request: RawRequest;
  readonly answer: string;
  /** What the client got before the answer. */
  readonly before: readonly string[];
}

/** One call from end to end. */
async function exchange(
  pair: Pair,
  clientName: ClientName,
  scenario: CallScenario,
  answerWith: (id: string) => string,
  clientNotifications: readonly Notice[],
): Promise<Exchanged> {
  const { method, id, params } = scenario;
  const before: string[] = [];
  let request: RawRequest | undefined;
  world.downstreams[pair.serverName as ServerName].onCall = (incoming) => {
    request = incoming;
    for (const one of clientNotifications) incoming.send(noticeText(one, incoming.id));
    incoming.end(answerWith(incoming.id));
  };
  const answer = await world.clients[clientName].call({
    id,
    method,
    name: nameFor(scenario, pair.serverName),
    params: print(params),
    onMessage: (text) => before.push(text),
  });
  if (!request) throw new Error(`the server got nothing, the client this: ${answer}`);
  return { request, answer, before };
}
