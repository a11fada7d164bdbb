/** The errors of a connection: calls that it cannot take or loses, and errors that a server means for the proxy. */
import type { Era } from '../../core/call.ts';
import {
  HEADER_MISMATCH,
  MISSING_CLIENT_CAPABILITY,
  ProxyError,
  RpcError,
  UNSUPPORTED_PROTOCOL_VERSION,
} from '../../core/errors.ts';
import { at, isObject } from '../../json/json.ts';

export function cancelledUnsent(server: string, reason = ''): ProxyError {
  const message = `The call to "${server}" was cancelled before it was sent: ${reason}.`;
  return new ProxyError('CANCELLED', { message, server, delivered: false });
}

export function cancelledUnderWay(server: string, reason: string): ProxyError {
  const message = `The call to "${server}" was cancelled: ${reason}.`;
  return new ProxyError('CANCELLED', { message, server, delivered: 'unknown' });
}

/** The connection had ended before the call was sent. @param end what ended it. */
export function connectionGone(server: string, { message }: ProxyError): ProxyError {
  return new ProxyError('DOWNSTREAM_UNAVAILABLE', { message, server, delivered: false });
}

/** The proxy itself ended the connection. */
export function stopped(server: string): ProxyError {
  const message = `"${server}" was stopped.`;
  return new ProxyError('DOWNSTREAM_FAILED', { message, server, delivered: 'unknown' });
}

export function subscriptionEnded(server: string): ProxyError {
  const message = `"${server}" ended the subscription.`;
  return new ProxyError('DOWNSTREAM_FAILED', { message, server, delivered: true });
}

/** Three of a server's errors speak of the proxy's request and not of the client's call. */
export function translatedError(error: unknown, server: string, era: Era): unknown {
  if (!(error instanceof RpcError)) return error;
  if (error.code === MISSING_CLIENT_CAPABILITY) {
    const needs = at(error.json.value, 'data', 'requiredCapabilities');
    const message = `"${server}" needs something of the client that it does not have: ${error.message}`;
    return new ProxyError('CLIENT_CANNOT', {
      message,
      server,
      delivered: true,
      needs: isObject(needs) ? needs : {},
    });
  }
  if (error.code === HEADER_MISMATCH && era === 'modern') {
    const message = `"${server}" refused the header fields of the request: ${error.message}`;
    return new ProxyError('PROTOCOL_ERROR', { message, server, delivered: false, cause: error });
  }
  if (error.code !== UNSUPPORTED_PROTOCOL_VERSION) return error;
  const message = `"${server}" no longer speaks the protocol version agreed upon: ${error.message}`;
  return new ProxyError('PROTOCOL_ERROR', { message, server, delivered: false });
}
