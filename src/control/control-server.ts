/**
 * The control socket of a running proxy, for its own user's commands: one request a connection, as a line of JSON; what follows is
 * the request's own business.
 */
import { chmod, rm } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { messageOf } from '../core/errors.ts';
import { isObject, type JsonObject, stringAt } from '../json/json.ts';
import type { Logger } from '../core/logger.ts';
import { firstLine } from './first-line.ts';

export interface ControlOptions {
  readonly path: string;
  /** The answers, by the request's `ask`. */
  readonly answers: ReadonlyMap<string, ControlAnswer>;
  /** The process lives as long as the socket is open. */
  readonly keepsAlive: boolean;
  /** Connections that stay, beside those of commands. */
  readonly staying: number;
  readonly log: Logger;
}

/** May write as it likes, and ends the connection. `rest` came behind the request's line. */
export type ControlAnswer = (
  request: JsonObject,
  connection: { readonly socket: Socket; readonly rest: Buffer },
) => void | Promise<void>;

export interface Control {
  close(): Promise<void>;
}

const LONGEST_REQUEST = 64 * 1024;
const REQUEST_MS = 5000;
/** Connections of commands at a time. */
const MAX_CONNECTIONS = 64;

/** @throws Error where the path cannot be listened on. */
export async function openControl({
  path,
  answers,
  keepsAlive,
  staying,
  log,
}: ControlOptions): Promise<Control> {
  const connections = new Set<Socket>();
  const server = createServer((socket) => {
    connections.add(socket);
    socket.once('close', () => connections.delete(socket));
    socket.on('error', () => socket.destroy());
    void receive(socket, answers).catch((error: unknown) => {
      log.warn({ why: messageOf(error) }, 'a request of the command line failed');
      socket.destroy();
    });
  });
  server.maxConnections = MAX_CONNECTIONS + staying;
  await rm(path, { force: true });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, resolve);
  });
  server.on('error', (error) => log.warn({ why: messageOf(error) }, 'the control socket failed'));
  if (process.platform !== 'win32') await chmod(path, 0o600);
  if (!keepsAlive) server.unref();
  return {
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of connections) socket.destroy();
      await closed;
    },
  };
}

async function receive(socket: Socket, answers: ReadonlyMap<string, ControlAnswer>): Promise<void> {
  const first = await firstLine(socket, { maxBytes: LONGEST_REQUEST, withinMs: REQUEST_MS });
  if (!first) return;
  const request = parsed(first.line);
  const answer = answers.get(stringAt(request, 'ask') ?? '');
  if (request && answer) await answer(request, { socket, rest: first.rest });
  else socket.end(`${JSON.stringify({ error: 'unknown request' })}\n`);
}

function parsed(line: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
