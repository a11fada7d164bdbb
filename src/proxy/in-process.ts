/** A client in the same process as its proxy: what a program that embeds the proxy connects with. */
import { PassThrough } from 'node:stream';
import { createInterface } from 'node:readline';
import { systemClock } from '../core/clock.ts';
import type { Logger } from '../core/logger.ts';
import type { Proxy } from './proxy.ts';
import { StdioEndpoint } from '../server/stdio-endpoint.ts';

export interface InProcessOptions {
  readonly log: Logger;
  /** The largest message that the client may send; default: 32 MiB. */
  readonly maxMessageBytes?: number;
}

/** Fits the `Transport` of the MCP SDKs, whose messages are larger types of their own. */
export interface InProcessTransport {
  // A method's argument may be narrower where it is taken, which a property's may not.
  onmessage?(message: { readonly jsonrpc: '2.0' }): void;
  onclose?: () => void;
  onerror?: (error: Error) => void;
  start(): Promise<void>;
  send(message: object): Promise<void>;
  /** The proxy goes on; close it by itself. */
  close(): Promise<void>;
}

const MESSAGE_BYTES = 33_554_432;

/** The client's end of a connection. Nothing is sent before `start`. */
export function connectInProcess(proxy: Proxy, options: InProcessOptions): InProcessTransport {
  const { log, maxMessageBytes = MESSAGE_BYTES } = options;
  const [toProxy, toClient] = [new PassThrough(), new PassThrough()];
  let closed = false;
  const transport: InProcessTransport = {
    start() {
      createInterface({ input: toClient }).on('line', (line) => {
        transport.onmessage?.(JSON.parse(line) as { jsonrpc: '2.0' });
      });
      return Promise.resolve();
    },
    send(message) {
      if (closed) return Promise.reject(new Error('the connection to the proxy is closed'));
      toProxy.write(`${JSON.stringify(message)}\n`);
      return Promise.resolve();
    },
    async close() {
      await endpoint.close(0);
      end();
    },
  };
  const endpoint = new StdioEndpoint({
    served: proxy.served,
    stdin: toProxy,
    stdout: toClient,
    clientId: 'in-process',
    maxMessageBytes,
    clock: systemClock,
    log,
    ended: end,
  });
  return transport;

  function end(): void {
    if (closed) return;
    closed = true;
    toProxy.end();
    toClient.end();
    transport.onclose?.();
  }
}
