/** Asks a running proxy over its socket. */
import { connect, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { isObject, type JsonObject } from '../json/json.ts';
import { firstLine } from './first-line.ts';

const CONNECT_MS = 2000;
const ANSWER_MS = 10_000;
const LONGEST_ANSWER = 64 * 1024;

/** @returns the one document of the answer. @throws Error where nobody listens, or nothing comes within ten seconds. */
export async function askProxy(path: string, request: JsonObject): Promise<unknown> {
  const socket = await connected(path);
  const late = setTimeout(() => socket.destroy(new Error('the proxy does not answer')), ANSWER_MS);
  try {
    socket.write(`${JSON.stringify(request)}\n`);
    let text = '';
    for await (const chunk of socket.setEncoding('utf8')) text += String(chunk);
    return JSON.parse(text) as unknown;
  } finally {
    clearTimeout(late);
    socket.destroy();
  }
}

/** The lines of an answer, as long as the proxy sends any. */
export async function* linesOf(
  path: string,
  request: JsonObject,
  signal: AbortSignal,
): AsyncGenerator<string> {
  const socket = await connected(path);
  const lines = createInterface({ input: socket });
  // Neither an abort nor a broken connection ends the input: without this, the last line would be waited for for ever.
  const stop = (): void => lines.close();
  signal.addEventListener('abort', stop);
  socket.once('close', stop).on('error', stop);
  try {
    socket.write(`${JSON.stringify(request)}\n`);
    yield* lines;
  } finally {
    signal.removeEventListener('abort', stop);
    socket.destroy();
  }
}

/**
 * Asks for a connection that stays. What follows the answer has not been read.
 *
 * @throws Error where nobody listens, or no answer comes within ten seconds.
 */
export async function openConversation(
  path: string,
  request: JsonObject,
): Promise<{ readonly socket: Socket; readonly answer: JsonObject }> {
  const socket = await connected(path);
  const first = firstLine(socket, { maxBytes: LONGEST_ANSWER, withinMs: ANSWER_MS });
  socket.write(`${JSON.stringify(request)}\n`);
  const found = await first;
  if (!found) throw new Error('the proxy does not answer');
  if (found.rest.length > 0) socket.unshift(found.rest);
  const answer: unknown = JSON.parse(found.line);
  return { socket, answer: isObject(answer) ? answer : {} };
}

/** @throws Error where nobody listens. */
function connected(path: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    socket.setTimeout(CONNECT_MS, () => socket.destroy(new Error('the proxy does not answer')));
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.setTimeout(0);
      socket.off('error', reject);
      resolve(socket);
    });
  });
}
