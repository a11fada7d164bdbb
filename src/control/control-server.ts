/**
 * A running proxy's door for its own user's commands: one request a connection, as a line of JSON; what follows is
 * the request's own business.
 */
import { chmod, rm } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { messageOf } from '../core/errors.ts';
import { isObject, type JsonObject, stringAt } from '../core/json.ts';
import type { Logger } from '../core/logger.ts';

export interface ControlOptions {
  readonly path: string;
  /** By the request's `ask`. */
  readonly answers: ReadonlyMap<string, ControlAnswer>;
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
const MAX_CONNECTIONS = 64;
const NEWLINE = 0x0a;

/** @throws Error where the path cannot be listened on. */
export async function openControl({ path, answers, log }: ControlOptions): Promise<Control> {
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
  server.maxConnections = MAX_CONNECTIONS;
  await rm(path, { force: true });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, resolve);
  });
  server.on('error', (error) => log.warn({ why: messageOf(error) }, 'the door for commands has trouble'));
  if (process.platform !== 'win32') await chmod(path, 0o600);
  // It keeps no process alive.
  server.unref();
  return {
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of connections) socket.destroy();
      await closed;
    },
  };
}

async function receive(socket: Socket, answers: ReadonlyMap<string, ControlAnswer>): Promise<void> {
  const first = await firstLine(socket);
  if (!first) return;
  const request = parsed(first.line);
  const answer = answers.get(stringAt(request, 'ask') ?? '');
  if (request && answer) await answer(request, { socket, rest: first.rest });
  else socket.end(`${JSON.stringify({ error: 'unknown request' })}\n`);
}

/** `undefined`: none came in time, or in the space there is. */
function firstLine(socket: Socket): Promise<{ line: string; rest: Buffer } | undefined> {
  return new Promise((resolve) => {
    let held: Buffer = Buffer.alloc(0);
    const done = (found: { line: string; rest: Buffer } | undefined): void => {
      clearTimeout(timer);
      socket.off('data', take).off('close', gone);
      if (found) socket.pause();
      else socket.destroy();
      resolve(found);
    };
    const gone = (): void => done(undefined);
    const take = (chunk: Buffer): void => {
      held = Buffer.concat([held, chunk]);
      const end = held.indexOf(NEWLINE);
      if (end >= 0) done({ line: held.toString('utf8', 0, end), rest: held.subarray(end + 1) });
      else if (held.length > LONGEST_REQUEST) done(undefined);
    };
    const timer = setTimeout(gone, REQUEST_MS).unref();
    socket.on('data', take).once('close', gone);
  });
}

function parsed(line: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
