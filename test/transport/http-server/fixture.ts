/** An HTTP server on a free port, and sockets that say exactly what a test tells them to. */
import { connect, type Socket } from 'node:net';
import { afterEach, beforeEach, describe } from 'vitest';
import {
  openHttpServer,
  type HttpServer,
  type HttpServerOptions,
} from '../../../src/transport/http-server/server.ts';
import type { HttpExchange } from '../../../src/transport/http-server/request-handler.ts';
import { until } from '../../harness/until.ts';

const servers: HttpServer[] = [];
const sockets: Socket[] = [];

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await Promise.all(servers.splice(0).map((server) => server.close(0)));
});

export interface LogLine {
  readonly level: string;
  readonly facts: object;
  readonly message: string;
}

let reads: HttpServerOptions['server'];

/** Runs the tests once for each `http.server`. */
export function withEachServer(tests: (server: 'own' | 'node') => void): void {
  describe.each(['own', 'node'] as const)('http.server: "%s"', (server) => {
    beforeEach(() => void (reads = server));
    tests(server);
  });
}

/** Answers every POST with what it got, unless told otherwise. */
export async function open(
  options: Partial<HttpServerOptions> = {},
): Promise<HttpServer & { log: LogLine[] }> {
  const log: LogLine[] = [];
  const at = (level: string) => (facts: object, message: string) => void log.push({ level, facts, message });
  const server = await openHttpServer({
    host: '127.0.0.1',
    port: 0,
    ...(reads && { server: reads }),
    path: '/mcp',
    tokens: new Map(),
    allowedOrigins: [],
    allowedHosts: [],
    maxBodyBytes: 100_000,
    maxConnections: 1024,
    maxWaitingBytes: 64 * 1024 * 1024,
    silenceMs: 10_000,
    onMcp: echo,
    routes: new Map([
      ['/healthz', () => ({ status: 200, type: 'text/plain', body: 'ok' })],
      ['/readyz', () => ({ status: 503, type: 'text/plain', body: 'not yet' })],
    ]),
    log: { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') },
    ...options,
  });
  servers.push(server);
  return Object.assign(server, { log });
}

export function echo({ body, reply, principal }: HttpExchange): void {
  reply.end(JSON.stringify({ body, principal }));
}

export const JSON_HEADERS = {
  'content-type': 'application/json',
  accept: 'application/json, text/event-stream',
} as const;

export function post(
  url: string,
  body: string | Uint8Array<ArrayBuffer>,
  headers: Record<string, string> = {},
): Promise<Response> {
  return fetch(url, { method: 'POST', body, headers: { ...JSON_HEADERS, ...headers } });
}

/** The text of a POST on the wire. */
export function wire(body: string, headers: readonly string[] = []): string {
  const lines = ['POST /mcp HTTP/1.1', 'Host: localhost', 'Content-Type: application/json', ...headers];
  const framed = headers.some((header) => /^(content-length|transfer-encoding)/i.test(header));
  if (!framed) lines.push(`Content-Length: ${Buffer.byteLength(body)}`);
  return `${lines.join('\r\n')}\r\n\r\n${body}`;
}

export class RawClient {
  readonly socket: Socket;
  received = '';
  closed = false;

  constructor(port: number) {
    this.socket = connect(port, '127.0.0.1');
    sockets.push(this.socket);
    this.socket.setEncoding('utf8');
    this.socket.on('data', (text: string) => (this.received += text));
    this.socket.on('close', () => (this.closed = true));
    this.socket.on('error', () => {});
  }

  say(text: string | Uint8Array): this {
    this.socket.write(text);
    return this;
  }

  /** The statuses of all answers so far. */
  get statuses(): number[] {
    return [...this.received.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, status]) => Number(status));
  }

  async until(condition: (client: this) => boolean): Promise<this> {
    await waitFor(() => condition(this));
    return this;
  }

  /** Waits for the end of the connection. */
  end(): Promise<this> {
    return this.until(({ closed }) => closed);
  }
}

export async function waitFor(condition: () => boolean, ms = 5_000): Promise<void> {
  await until(condition.toString(), condition, ms);
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
