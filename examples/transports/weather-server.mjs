/**
 * A small server for `run.mjs`, over the transport that its argument names. Over a network it listens on a free port of
 * this machine, prints the port, and ends when its input does.
 */
import { createServer as createHttpServer } from 'node:http';
import { createServer as createTcpServer } from 'node:net';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { SSEServerTransport } from '@modelcontextprotocol/sdk/server/sse.js';
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { WebSocketServer } from 'ws';
import { z } from 'zod';

const [transport] = process.argv.slice(2);

function weather() {
  const server = new McpServer({ name: 'weather', version: '1.0.0' });
  server.registerTool(
    'forecast',
    { description: 'Tells the weather of tomorrow', inputSchema: { city: z.string() } },
    async ({ city }, { sendNotification, _meta }) => {
      const progressToken = _meta?.progressToken;
      if (progressToken !== undefined)
        await sendNotification({
          method: 'notifications/progress',
          params: { progressToken, progress: 1, total: 2, message: 'looking at the sky' },
        });
      return { content: [{ type: 'text', text: `Sunny in ${city}, says ${transport}` }] };
    },
  );
  return server;
}

const start = {
  stdio: () => weather().connect(new StdioServerTransport()),
  tcp: () => listen(createTcpServer((socket) => weather().connect(new StdioServerTransport(socket, socket)))),
  http: () =>
    listen(
      createHttpServer(async (request, response) => {
        const one = new StreamableHTTPServerTransport({ sessionIdGenerator: undefined });
        response.on('close', () => one.close());
        await weather().connect(one);
        await one.handleRequest(request, response);
      }),
    ),
  sse: () => {
    const sessions = new Map();
    return listen(
      createHttpServer(async (request, response) => {
        const { pathname, searchParams } = new URL(request.url, 'http://localhost');
        if (pathname === '/messages')
          return sessions.get(searchParams.get('sessionId')).handlePostMessage(request, response);
        const session = new SSEServerTransport('/messages', response);
        sessions.set(session.sessionId, session);
        return weather().connect(session);
      }),
    );
  },
  websocket: () => {
    const http = createHttpServer();
    new WebSocketServer({ server: http, handleProtocols: () => 'mcp' }).on('connection', (socket) =>
      weather().connect({
        start() {
          socket.on('message', (data) => this.onmessage(JSON.parse(data)));
          socket.on('close', () => this.onclose?.());
        },
        send: async (message) => socket.send(JSON.stringify(message)),
        close: () => socket.close(),
      }),
    );
    return listen(http);
  },
};

await start[transport]();

function listen(server) {
  server.listen(0, '127.0.0.1', () => console.log(server.address().port));
  process.stdin.on('close', () => process.exit(0)).resume();
}
