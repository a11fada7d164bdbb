/**
 * K02: random JSON-RPC on each side. `FUZZ_MESSAGES=100000` sends as many in all (two thousand otherwise);
 * `FUZZ_SEED` repeats a run whose seed was printed.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { randomMessage } from './random-messages.ts';
import { post, type RawClient } from './raw-client.ts';
import { type RawDownstream, resultOf } from './raw-downstream.ts';
import { CARRIERS, openRawWorld, type RawWorld, SERVERS, type ServerName } from './raw-world.ts';

const MESSAGES = Number(process.env['FUZZ_MESSAGES'] ?? 2000);
const SEED = Number(process.env['FUZZ_SEED'] ?? Date.now() % 2 ** 31);
const LONG = 60_000 + MESSAGES * 20;
/** Two sides of clients, and every transport of a server. */
const EACH = Math.ceil(MESSAGES / (2 + SERVERS.length));
const PER_CALL = 10;
const TOOL = '{"name":"fuzz","inputSchema":{"type":"object"}}';
const DONE = '{"content":[{"type":"text","text":"done"}]}';
let world: RawWorld;

beforeAll(async () => {
  world = await openRawWorld(() => ({ tools: [TOOL], prompts: [], resources: [], resourceTemplates: [] }));
}, LONG);

afterAll(async () => {
  await world.close();
});

describe(`K02 random messages (seed ${SEED})`, () => {
  test('from the client over stdio', { timeout: LONG }, async () => {
    for (const [turn, text] of messages(1).entries()) {
      world.proxy.write(text);
      // Now and then its answers are waited for, so that it is kept busy and not flooded.
      if (turn % 50 === 49) await stillWorks('stdio');
    }
    await stillWorks('stdio');
  });

  test('from clients over HTTP', { timeout: LONG }, async () => {
    const session = await openSession();
    const all = messages(2);
    for (let i = 0; i < all.length; i += PER_CALL)
      await Promise.all(
        all.slice(i, i + PER_CALL).map((text, at) => sendAndLeave(text, headersFor(at, text, session))),
      );
    await stillWorks('http');
    await stillWorks('modern http');
  });

  test.each(SERVERS)('from a server: %s', { timeout: LONG }, async (name) => {
    const all = messages(3 + SERVERS.indexOf(name));
    const downstream = world.downstreams[name];
    for (let i = 0; i < all.length; i += PER_CALL) {
      sayBeforeAnswer(downstream, all.slice(i, i + PER_CALL));
      await callTool(world.clients.http, name);
      for (const text of all.slice(i, i + 2)) world.served[name].push(text);
    }
    await stillWorks('http', name);
    await stillWorks('modern http', name);
  });

  test('and nothing of it was a mistake of the proxy', () => {
    expect(world.proxy.mistakes).toEqual([]);
    expect(world.proxy.alive).toBe(true);
  });
});

function messages(part: number): string[] {
  return fc.sample(randomMessage, { seed: SEED + part, numRuns: EACH });
}

/** The words in the place of the answer, the last one sometimes as the whole answer, then the answer itself. */
function sayBeforeAnswer(downstream: RawDownstream, texts: readonly string[]): void {
  let calls = 0;
  downstream.onCall = ({ id, send, end }) => {
    if (calls++ > 0) return end(resultOf(id, DONE));
    for (const text of texts) send(text.replaceAll(/"id":[123]\b/g, `"id":${id}`));
    const last = texts.at(-1) ?? '';
    end(last.length % 4 === 0 ? last : resultOf(id, DONE));
    // Where the last words were no answer, this is; where they were, it comes too late.
    if (CARRIERS[downstream.name as ServerName][0] !== 'http') send(resultOf(id, DONE));
  };
}

async function stillWorks(client: keyof RawWorld['clients'], only?: ServerName): Promise<void> {
  for (const name of only ? [only] : SERVERS) {
    world.downstreams[name].onCall = ({ id, end }) => end(resultOf(id, DONE));
    let answer = '';
    // A random message may have ended the connection, which is opened anew.
    for (let attempt = 0; attempt < 20 && !answer.includes('"text":"done"'); attempt++) {
      if (attempt > 0) await new Promise((resolve) => setTimeout(resolve, 250));
      answer = await callTool(world.clients[client], name);
    }
    expect(answer, name).toContain('"text":"done"');
  }
}

let lastId = 0;

function callTool(client: RawClient, server: ServerName): Promise<string> {
  const envelope =
    '"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}';
  const name = `${server}__fuzz`;
  return client.call({
    id: `"call ${++lastId}"`,
    method: 'tools/call',
    name,
    params: `{"name":"${name}"${client.era === 'modern' ? `,${envelope}` : ''}}`,
    onMessage: (text, reply) => answerOddly(text, reply),
  });
}

/** A client that is asked gives some answer. */
function answerOddly(text: string, reply: (text: string) => void): void {
  const id = /^\{"jsonrpc":"2\.0","id":(\d+),"method":/.exec(text)?.[1];
  if (id !== undefined)
    reply(Number(id) % 2 === 0 ? resultOf(id, '{"action":"decline"}') : `{"jsonrpc":"2.0","id":${id}}`);
}

async function openSession(): Promise<string> {
  const params = '{"protocolVersion":"2025-03-26","capabilities":{},"clientInfo":{"name":"x","version":"1"}}';
  const response = await post(
    world.proxy.url,
    `{"jsonrpc":"2.0","id":1,"method":"initialize","params":${params}}`,
    {},
  );
  await response.text();
  return response.headers.get('mcp-session-id') ?? '';
}

function headersFor(turn: number, text: string, session: string): Record<string, string> {
  if (turn % 3 === 0) return { 'mcp-session-id': session };
  if (turn % 3 === 1) return {};
  const method = /"method":"([\w/]+)"/.exec(text)?.[1] ?? 'ping';
  return { 'mcp-protocol-version': '2026-07-28', 'mcp-method': method, 'mcp-name': 'pipe__fuzz' };
}

/** A stream that stays open (a subscription) is left after a moment. */
async function sendAndLeave(text: string, headers: Record<string, string>): Promise<void> {
  const response = await post(world.proxy.url, text === '' ? ' ' : text, headers);
  expect(response.status).toBeLessThan(500);
  const reader = response.body?.getReader();
  const left = new Promise((resolve) => setTimeout(resolve, 200));
  await Promise.race([reader?.read(), left]);
  await reader?.cancel();
}
