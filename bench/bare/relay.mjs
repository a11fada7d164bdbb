/**
 * The floor: a relay that does nothing but pass calls on to one server, with the same libraries as Switchyard. One
 * parse and one print a message and direction, ids and names exchanged; no limits, no errors, no second server.
 */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { parseArgs } from 'node:util';
import { Pool } from 'undici';

const { values } = parseArgs({ options: { config: { type: 'string' }, http: { type: 'boolean' } } });
const [[key, entry]] = Object.entries(JSON.parse(readFileSync(values.config, 'utf8')).mcpServers);
const prefix = `${key}_`;

/** Those who wait for an answer, by our id. */
const waiting = new Map();
let lastId = 0;

const send = entry.url ? httpServer(new URL(entry.url)) : stdioServer(entry);
if (values.http) serveHttp();
else serveStdio();

function ask(text, reply) {
  const message = JSON.parse(text);
  if (message.id === undefined) {
    send(text);
    return reply(undefined);
  }
  waiting.set(++lastId, { id: message.id, reply });
  message.id = lastId;
  if (message.method === 'tools/call') message.params.name = message.params.name.slice(prefix.length);
  send(JSON.stringify(message));
}

function answered(message) {
  const { id, reply } = waiting.get(message.id);
  waiting.delete(message.id);
  for (const tool of message.result.tools ?? []) tool.name = prefix + tool.name;
  message.id = id;
  reply(JSON.stringify(message));
}

function stdioServer({ command, args }) {
  const { stdin, stdout } = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  readLines(stdout, (line) => answered(JSON.parse(line)));
  return lineWriter(stdin);
}

function httpServer({ origin, pathname }) {
  const pool = new Pool(origin, { connections: 64 });
  const headers = {
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
    'mcp-protocol-version': '2025-11-25',
  };
  return (body) => {
    let text = '';
    pool.dispatch(
      { path: pathname, method: 'POST', headers, body },
      {
        onRequestStart() {},
        onResponseStart(_controller, _status, fields) {
          const session = fields['mcp-session-id'];
          if (session) headers['mcp-session-id'] = session;
        },
        onResponseData(_controller, chunk) {
          text += chunk.toString();
        },
        onResponseEnd() {
          if (text !== '') answered(JSON.parse(text));
        },
        onResponseError(_controller, error) {
          throw error;
        },
      },
    );
  };
}

function serveStdio() {
  const write = lineWriter(process.stdout);
  readLines(process.stdin, (line) => ask(line, (text) => text && write(text)));
  process.stdin.on('end', () => process.exit());
}

function serveHttp() {
  const server = createServer({ noDelay: true, keepAliveTimeout: 600_000 }, (req, res) => {
    let body = '';
    req.on('data', (chunk) => (body += chunk.toString()));
    req.on('end', () =>
      ask(body, (text) => {
        if (text === undefined) return res.writeHead(202, { 'content-length': 0 }).end();
        const length = Buffer.byteLength(text);
        res.writeHead(200, { 'content-type': 'application/json', 'content-length': length }).end(text);
      }),
    );
  });
  server.listen(0, '127.0.0.1', () =>
    process.stderr.write(`listening http://127.0.0.1:${server.address().port}/mcp\n`),
  );
  process.stdin.on('end', () => process.exit()).resume();
}

function lineWriter(stream) {
  let joined = '';
  const flush = () => {
    const lines = joined;
    joined = '';
    stream.write(lines);
  };
  return (line) => {
    if (joined === '') queueMicrotask(flush);
    joined += line + '\n';
  };
}

function readLines(stream, take) {
  let held = '';
  stream.setEncoding('utf8');
  stream.on('data', (chunk) => {
    const lines = (held + chunk).split('\n');
    held = lines.pop();
    for (const line of lines) take(line);
  });
}
