/**
 * What an engineer would write in an afternoon: an aggregator on the official SDK (v1), with its defaults.
 *
 * Tools only, names prefixed, no limits, no timeouts of its own, no restart.
 */
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { parseArgs } from 'node:util';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import {
  CallToolRequestSchema,
  isInitializeRequest,
  ListToolsRequestSchema,
} from '@modelcontextprotocol/sdk/types.js';

const { values } = parseArgs({ options: { config: { type: 'string' }, http: { type: 'boolean' } } });
const { mcpServers } = JSON.parse(readFileSync(values.config, 'utf8'));

const tools = [];
const routes = new Map();
await Promise.all(Object.entries(mcpServers).map(([name, entry]) => connect(name, entry)));
if (values.http) serveHttp();
else await createMcpServer().connect(new StdioServerTransport());

async function connect(name, entry) {
  const client = new Client({ name: 'reference', version: '1.0.0' });
  const transport = entry.url
    ? new StreamableHTTPClientTransport(new URL(entry.url))
    : new StdioClientTransport({ command: entry.command, args: entry.args, stderr: 'ignore' });
  await client.connect(transport);
  const { tools: own } = await client.listTools();
  for (const tool of own) {
    const exposed = `${name}_${tool.name}`;
    tools.push({ ...tool, name: exposed });
    routes.set(exposed, { client, tool: tool.name });
  }
}

function createMcpServer() {
  const server = new Server({ name: 'reference', version: '1.0.0' }, { capabilities: { tools: {} } });
  server.setRequestHandler(ListToolsRequestSchema, () => ({ tools }));
  server.setRequestHandler(CallToolRequestSchema, ({ params }, { signal }) => {
    const route = routes.get(params.name);
    if (!route) throw new Error(`Unknown tool: ${params.name}`);
    return route.client.callTool({ ...params, name: route.tool }, undefined, { signal });
  });
  return server;
}

function serveHttp() {
  const sessions = new Map();
  const http = createServer(async (req, res) => {
    const known = sessions.get(req.headers['mcp-session-id']);
    if (known) return known.handleRequest(req, res);
    const chunks = [];
    for await (const chunk of req) chunks.push(chunk);
    const body = JSON.parse(Buffer.concat(chunks).toString());
    if (!isInitializeRequest(body)) return res.writeHead(404).end();
    const transport = new StreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      onsessioninitialized: (id) => sessions.set(id, transport),
    });
    await createMcpServer().connect(transport);
    await transport.handleRequest(req, res, body);
  });
  http.listen(0, '127.0.0.1', () =>
    process.stderr.write(`listening http://127.0.0.1:${http.address().port}/mcp\n`),
  );
}
