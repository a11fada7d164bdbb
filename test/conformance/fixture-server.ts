/**
 * A downstream server that passes the official conformance suite by itself, in either era or in both.
 *
 *     node --import tsx test/conformance/fixture-server.ts --era legacy|modern|dual [--port 0]
 *
 * Prints `listening http://127.0.0.1:PORT/mcp` once it is ready.
 */
import { createServer, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { parseArgs } from 'node:util';
import { localhostHostValidation, localhostOriginValidation } from '@modelcontextprotocol/node';
import { legacyEra, type HttpHandler } from './fixture/legacy-era.ts';
import { Lists } from './fixture/lists.ts';
import { isModernRequest, modernEra } from './fixture/modern-era.ts';

const { values } = parseArgs({
  options: { era: { type: 'string', default: 'dual' }, port: { type: 'string', default: '0' } },
});
const serve = handlerFor(values.era);
const isLocalHost = localhostHostValidation();
const isLocalOrigin = localhostOriginValidation();

const server = createServer(async (req, res) => {
  // Both answer a stranger themselves.
  if (!isLocalHost(req, res) || !isLocalOrigin(req, res)) return;
  if (new URL(req.url ?? '/', 'http://localhost').pathname !== '/mcp') return void res.writeHead(404).end();
  try {
    await serve(req, res, await bodyOf(req));
  } catch (error) {
    console.error(error);
    if (!res.headersSent) res.writeHead(error instanceof SyntaxError ? 400 : 500);
    res.end();
  }
});

server.listen(Number(values.port), '127.0.0.1', () => {
  const address = server.address();
  if (address !== null && typeof address === 'object') {
    console.log(`listening http://127.0.0.1:${address.port}/mcp`);
  }
});

function handlerFor(era: string): HttpHandler {
  const lists = new Lists();
  if (era === 'legacy') return legacyEra(lists);
  if (era === 'modern') return modernEra(lists);
  if (era !== 'dual') throw new Error(`--era: expected legacy, modern or dual, got "${era}"`);
  const legacy = legacyEra(lists);
  const modern = modernEra(lists);
  return (req, res, body) => (isModernRequest(req, body) ? modern : legacy)(req, res, body);
}

async function bodyOf(req: IncomingMessage): Promise<unknown> {
  const raw = req.method === 'POST' ? await text(req) : '';
  return raw === '' ? undefined : JSON.parse(raw);
}
