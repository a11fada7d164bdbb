/** What goes wrong with a WebSocket, as errors of ours. */
import type { IncomingMessage } from 'node:http';
import { ProxyError } from '../core/errors.ts';
import { badResponse, redirectError, statusError, transportError } from './http-client-errors.ts';

export interface SocketState {
  readonly opened: boolean;
  readonly messageBytes: number;
}

export function socketError(server: string, error: Error, { opened, messageBytes }: SocketState): ProxyError {
  const { code = '' } = error as NodeJS.ErrnoException;
  if (code === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH')
    return new ProxyError('RESULT_TOO_LARGE', {
      message: `"${server}" sent more than the ${messageBytes} bytes that are taken in, which ends a WebSocket connection.`,
      server,
      // Which of the requests under way it would have answered is not known.
      delivered: 'unknown',
    });
  if (code.startsWith('WS_ERR')) return badResponse(server, `broke the WebSocket protocol (${code})`);
  return transportError(server, withCode(error), opened);
}

/** The server answered the upgrade with something else. */
export function refused(server: string, response: IncomingMessage): ProxyError {
  const { statusCode: status = 0, headers } = response;
  response.resume();
  if (status >= 300 && status < 400) return redirectError(server, headers);
  return statusError(server, status, headers, '');
}

/** Without a cause: it would quote the address, which may hold secrets. */
export function badAddress(server: string): ProxyError {
  return new ProxyError('DOWNSTREAM_UNAVAILABLE', {
    message: `"${server}" could not be reached: its address or a header field is not valid.`,
    server,
    delivered: false,
  });
}

/** ws tells by words alone that its handshake took too long. */
function withCode(error: Error): Error {
  if (error.message !== 'Opening handshake has timed out') return error;
  return Object.assign(new Error(error.message), { code: 'ETIMEDOUT' });
}
