/** Raw clients of both eras, over stdio and HTTP. */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { Agent, request } from 'undici';
import { createParser } from 'eventsource-parser';
import { CLI, writeConfig } from './proxies.ts';
import { Conversation, type Wire } from './conversation.ts';

const META = 'io.modelcontextprotocol/';

export interface StdioClient extends Conversation {
  readonly stderr: () => string;
  readonly pid: number;
  /** Ends stdin and waits for the process. @returns the exit code. */
  close(): Promise<number | null>;
}

/** Starts a proxy and talks to it over its pipe; says nothing yet. */
export function spawnStdio(config: Wire, env: Record<string, string> = {}): StdioClient {
  const child = spawn(process.execPath, [CLI, '--config', writeConfig(config)], {
    stdio: 'pipe',
    env: { ...process.env, ...env },
  });
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  const conversation = new Conversation((message) => child.stdin.write(`${JSON.stringify(message)}\n`));
  createInterface({ input: child.stdout }).on('line', (line) =>
    conversation.receive(JSON.parse(line) as Wire),
  );
  return Object.assign(conversation, {
    stderr: () => stderr,
    pid: child.pid ?? 0,
    close() {
      child.stdin.end();
      return ended;
    },
  });
}

/** A legacy client over stdio, greeted. */
export async function stdioClient(
  config: Wire,
  capabilities: Wire = {},
  version?: string,
): Promise<StdioClient> {
  const client = spawnStdio(config);
  await greet(client, capabilities, version);
  return client;
}

async function greet(
  client: Conversation,
  capabilities: Wire = {},
  version = '2025-11-25',
  name = 'test',
): Promise<Wire> {
  const clientInfo = { name, version: '1' };
  const result = await client.request(
    'initialize',
    { protocolVersion: version, capabilities, clientInfo },
    'init',
  );
  client.notify('notifications/initialized');
  return result;
}

export interface HttpClientOptions {
  readonly token?: string;
  readonly capabilities?: Wire;
  readonly headers?: Record<string, string>;
  /** Open the stream for what belongs to no request (default: yes). */
  readonly stream?: boolean;
  readonly version?: string;
}

export interface LegacyHttpClient extends Conversation {
  readonly session: string;
  /** Closes every connection, in the middle of what is under way. */
  vanish(): Promise<void>;
  /** Ends the session. */
  leave(): Promise<void>;
}

/** A legacy client over Streamable HTTP, greeted, listening on its own stream. */
export async function legacyHttpClient(
  url: string,
  options: HttpClientOptions = {},
): Promise<LegacyHttpClient> {
  const agent = new Agent({ keepAliveTimeout: 30_000 });
  const headers: Record<string, string> = {
    accept: 'application/json, text/event-stream',
    'content-type': 'application/json',
    ...(options.token !== undefined && { authorization: `Bearer ${options.token}` }),
    ...options.headers,
  };
  const conversation = new Conversation((message) => void post(message).catch(ignoreAbort));

  async function post(message: Wire): Promise<void> {
    const response = await request(url, {
      method: 'POST',
      headers,
      body: JSON.stringify(message),
      dispatcher: agent,
    });
    const session = response.headers['mcp-session-id'];
    if (typeof session === 'string') headers['mcp-session-id'] = session;
    await read(response, conversation);
  }

  const { protocolVersion } = await greet(conversation, options.capabilities, options.version);
  headers['mcp-protocol-version'] = protocolVersion as string;
  if (options.stream !== false) {
    const stream = await request(url, { method: 'GET', headers, dispatcher: agent, bodyTimeout: 0 });
    if (stream.statusCode !== 200) throw new Error(`GET: ${stream.statusCode} ${await stream.body.text()}`);
    void read(stream, conversation).catch(ignoreAbort);
  }
  return Object.assign(conversation, {
    get session() {
      return headers['mcp-session-id'] ?? '';
    },
    vanish: () => agent.destroy(),
    async leave() {
      await request(url, { method: 'DELETE', headers, dispatcher: agent });
      await agent.destroy();
    },
  });
}

export interface ModernClient extends Conversation {
  /** The HTTP status of the last answer. */
  readonly status: () => number;
  /** Closes the stream of one request: how a modern client cancels. */
  abandon(id: number | string): void;
  vanish(): Promise<void>;
}

/** A modern client over HTTP: every request stands for itself. */
export function modernHttpClient(
  url: string,
  options: HttpClientOptions & { readonly logLevel?: string } = {},
): ModernClient {
  const agent = new Agent({ keepAliveTimeout: 30_000 });
  const streams = new Map<unknown, AbortController>();
  let status = 0;
  const conversation = new Conversation((message) => void post(message).catch(ignoreAbort));

  async function post(message: Wire): Promise<void> {
    const sent = enveloped(message, options);
    const gone = new AbortController();
    streams.set(message['id'], gone);
    const response = await request(url, {
      method: 'POST',
      headers: { ...headersFor(sent, options), ...options.headers },
      body: JSON.stringify(sent),
      dispatcher: agent,
      signal: gone.signal,
      bodyTimeout: 0,
    });
    status = response.statusCode;
    await read(response, conversation);
  }

  return Object.assign(conversation, {
    status: () => status,
    abandon: (id: number | string) => streams.get(id)?.abort(),
    vanish: () => agent.destroy(),
  });
}

/** A modern client over stdio. */
export function modernStdioClient(
  config: Wire,
  options: { readonly capabilities?: Wire; readonly logLevel?: string } = {},
): StdioClient {
  const client = spawnStdio(config);
  const send = client.send.bind(client);
  client.send = (message) => send(message['id'] === undefined ? message : enveloped(message, options));
  return client;
}

function enveloped(message: Wire, options: { capabilities?: Wire; logLevel?: string }): Wire {
  const params = (message['params'] ?? {}) as Wire;
  const _meta = {
    [`${META}protocolVersion`]: '2026-07-28',
    [`${META}clientCapabilities`]: options.capabilities ?? {},
    [`${META}clientInfo`]: { name: 'test', version: '1' },
    ...(options.logLevel !== undefined && { [`${META}logLevel`]: options.logLevel }),
    ...(params['_meta'] as Wire | undefined),
  };
  return { ...message, params: { ...params, _meta } };
}

const NAMES: Record<string, string> = {
  'tools/call': 'name',
  'prompts/get': 'name',
  'resources/read': 'uri',
  'tasks/get': 'taskId',
  'tasks/update': 'taskId',
  'tasks/cancel': 'taskId',
};

function headersFor(message: Wire, { token }: HttpClientOptions): Record<string, string> {
  const method = message['method'] as string;
  const named = NAMES[method];
  return {
    accept: 'application/json, text/event-stream',
    'content-type': 'application/json',
    'mcp-protocol-version': '2026-07-28',
    'mcp-method': method,
    ...(named !== undefined && { 'mcp-name': String(message['params'][named]) }),
    ...(token !== undefined && { authorization: `Bearer ${token}` }),
  };
}

type Response = Awaited<ReturnType<typeof request>>;

async function read(response: Response, into: Conversation): Promise<void> {
  if (!String(response.headers['content-type']).startsWith('text/event-stream')) {
    const text = await response.body.text();
    if (text === '') return;
    const message = JSON.parse(text) as Wire | Wire[];
    for (const one of Array.isArray(message) ? message : [message]) into.receive(one);
    return;
  }
  const parser = createParser({
    onEvent: ({ data }) => data !== '' && into.receive(JSON.parse(data) as Wire),
  });
  const decoder = new TextDecoder();
  for await (const chunk of response.body) parser.feed(decoder.decode(chunk as Buffer, { stream: true }));
}

/** A client that leaves on purpose. */
function ignoreAbort(error: unknown): void {
  const name = (error as Error).name;
  const code = (error as { code?: string }).code ?? '';
  if (name === 'AbortError' || /UND_ERR_(DESTROYED|SOCKET|ABORTED)/.test(code)) return;
  throw error;
}
