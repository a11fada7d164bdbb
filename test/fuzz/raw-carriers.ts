/** The ways to reach a raw downstream: lines, frames, HTTP answers and event streams. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import net, { type AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { createInterface } from 'node:readline';
import { WebSocketServer } from 'ws';
import type { RawDownstream } from './raw-downstream.ts';

/** How one message came in, and how others go back. */
export interface Carrier {
  /** A message that is not the answer. */
  readonly send: (text: string) => void;
  readonly end: (text: string) => void;
  /** What came gets no answer. */
  readonly accept: () => void;
}

export interface Served {
  /** What the proxy's config says of it. */
  readonly entry: Readonly<Record<string, unknown>>;
  /** Sends outside of any call, where the transport can. */
  readonly push: (text: string) => void;
  close(): void;
}

export type Kind = 'stdio' | 'tcp' | 'websocket' | 'http' | 'sse';

export function serve(kind: Kind, downstream: RawDownstream): Promise<Served> {
  switch (kind) {
    case 'stdio':
      return serveLines(downstream, (port) => ({
        command: process.execPath,
        args: [fileURLToPath(new URL('./pipe.mjs', import.meta.url)), String(port)],
      }));
    case 'tcp':
      return serveLines(downstream, (port) => ({ type: 'tcp', host: '127.0.0.1', port }));
    case 'websocket':
      return serveWebSocket(downstream);
    case 'http':
      return serveHttp(downstream);
    case 'sse':
      return serveSse(downstream);
  }
}

async function serveLines(downstream: RawDownstream, entryFor: (port: number) => object): Promise<Served> {
  const sockets = new Set<net.Socket>();
  const server = net.createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
    const send = (text: string): void => void socket.write(`${text.replaceAll(/[\r\n]/g, ' ')}\n`);
    createInterface({ input: socket }).on('line', (line) =>
      downstream.take(line, { send, end: send, accept() {} }),
    );
  });
  const port = await listening(server);
  return {
    entry: { ...entryFor(port) },
    push: (text) => [...sockets].at(-1)?.write(`${text.replaceAll(/[\r\n]/g, ' ')}\n`),
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

async function serveWebSocket(downstream: RawDownstream): Promise<Served> {
  const http = createServer();
  const server = new WebSocketServer({ server: http });
  server.on('connection', (socket) => {
    const send = (text: string): void => socket.send(text);
    socket.on('message', (data: Buffer) =>
      downstream.take(data.toString(), { send, end: send, accept() {} }),
    );
  });
  const port = await listening(http);
  return {
    entry: { type: 'websocket', url: `ws://127.0.0.1:${port}` },
    push: (text) => [...server.clients].at(-1)?.send(text),
    close() {
      for (const client of server.clients) client.terminate();
      http.close();
    },
  };
}

async function serveHttp(downstream: RawDownstream): Promise<Served> {
  let turn = 0;
  const server = createServer(async (req, res) => {
    if (req.method !== 'POST') return void res.writeHead(405).end();
    const body = await bodyOf(req);
    if (body.includes('"method":"initialize"')) res.setHeader('mcp-session-id', 'raw-session');
    // In turn, so that both forms of an answer are met.
    downstream.take(body, httpCarrier(res, turn++ % 2 === 0));
  });
  const port = await listening(server);
  return {
    entry: { type: 'http', url: `http://127.0.0.1:${port}/mcp` },
    push: () => {},
    close: () => closeHttp(server),
  };
}

function httpCarrier(res: ServerResponse, plain: boolean): Carrier {
  const send = (text: string): void => {
    if (!res.headersSent) res.writeHead(200, { 'content-type': 'text/event-stream' });
    res.write(eventOf(text));
  };
  return {
    send,
    end(text) {
      if (plain && !res.headersSent) res.writeHead(200, { 'content-type': 'application/json' }).end(text);
      else {
        send(text);
        res.end();
      }
    },
    accept: () => void res.writeHead(202).end(),
  };
}

async function serveSse(downstream: RawDownstream): Promise<Served> {
  const streams: ServerResponse[] = [];
  const server = createServer(async (req, res) => {
    if (req.method === 'GET') {
      const session = streams.push(res.writeHead(200, { 'content-type': 'text/event-stream' })) - 1;
      res.write(`event: endpoint\ndata: /messages/${session}\n\n`);
      return;
    }
    const stream = streams[Number(req.url?.split('/').at(-1))];
    const send = (text: string): void => void stream?.write(eventOf(text));
    const body = await bodyOf(req);
    res.writeHead(202).end();
    downstream.take(body, { send, end: send, accept() {} });
  });
  const port = await listening(server);
  return {
    entry: { type: 'sse', url: `http://127.0.0.1:${port}/sse` },
    push: (text) => streams.at(-1)?.write(eventOf(text)),
    close: () => closeHttp(server),
  };
}

function eventOf(text: string): string {
  const lines = text.split(/\r\n|\r|\n/).map((line) => `data: ${line}\n`);
  return `event: message\n${lines.join('')}\n`;
}

async function bodyOf(req: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of req) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

function listening(server: net.Server): Promise<number> {
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
  });
}

function closeHttp(server: ReturnType<typeof createServer>): void {
  server.close();
  server.closeAllConnections();
}
