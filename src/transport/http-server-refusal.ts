/**
 * Saying no over HTTP: a status, a JSON-RPC error without an id, and a connection that is closed only
 * after the client could read it.
 *
 * Closing a socket while bytes of the client are still unread makes the kernel send a reset, and the
 * client may then never see the answer. So a refused body is read and thrown away for a short while.
 */
import { STATUS_CODES, type IncomingMessage, type OutgoingHttpHeaders, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

export interface Refusal {
  readonly status: number;
  /** What was wrong and what to do about it. */
  readonly message: string;
  /** JSON-RPC code; -32000 unless told otherwise, as both SDKs have it for trouble of the transport. */
  readonly code?: number;
  readonly headers?: OutgoingHttpHeaders;
}

/** Bodies up to here are drained without closing the connection. */
const SMALL_BODY = 65_536;

export function errorBody(message: string, code = -32000): string {
  return JSON.stringify({ jsonrpc: '2.0', id: null, error: { code, message } });
}

/** Answers a request whose body nobody has read, or read only in part. */
export function refuse(
  req: IncomingMessage,
  res: ServerResponse,
  refusal: Refusal,
  base: OutgoingHttpHeaders | undefined,
  lingerMs: number,
): void {
  const body = errorBody(refusal.message, refusal.code);
  const head: OutgoingHttpHeaders = {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    ...base,
    ...refusal.headers,
  };
  if (hasLittleLeft(req)) {
    res.writeHead(refusal.status, head);
    res.end(body);
    return;
  }
  res.writeHead(refusal.status, { ...head, connection: 'close' });
  // The answer is complete for the client, but `end` would close the socket at once.
  res.write(body);
  const finish = (): void => void res.end();
  const timer = setTimeout(finish, lingerMs);
  timer.unref();
  res.once('close', () => clearTimeout(timer));
  req.once('end', finish);
  req.resume();
}

function hasLittleLeft(req: IncomingMessage): boolean {
  if (req.complete) return true;
  if (req.headers['transfer-encoding'] !== undefined) return false;
  return Number(req.headers['content-length'] ?? 0) <= SMALL_BODY;
}

/** Answers bytes that never became a request: malformed, too large a head, too slow. */
export function refuseSocket(socket: Socket, refusal: Refusal, lingerMs: number): void {
  const body = errorBody(refusal.message, refusal.code);
  // The parser is in an error state and would complain again about every further byte.
  socket.removeAllListeners('data');
  socket.on('data', () => {});
  const timer = setTimeout(() => socket.destroy(), lingerMs);
  timer.unref();
  socket.once('close', () => clearTimeout(timer));
  socket.end(
    `HTTP/1.1 ${refusal.status} ${STATUS_CODES[refusal.status] ?? ''}\r\n` +
      `content-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  );
}
