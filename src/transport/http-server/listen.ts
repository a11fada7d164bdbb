/** Binding to an address, with errors that say what to do. */
import type { AddressInfo, Server } from 'node:net';

/** @throws Error */
export function listen(server: Server, host: string, port: number): Promise<AddressInfo> {
  return new Promise((resolve, reject) => {
    const failed = (error: NodeJS.ErrnoException): void =>
      reject(new Error(explain(error, host, port), { cause: error }));
    server.once('error', failed);
    server.listen({ host: host.replace(/^\[|\]$/g, ''), port }, () => {
      server.off('error', failed);
      resolve(server.address() as AddressInfo);
    });
  });
}

function explain(error: NodeJS.ErrnoException, host: string, port: number): string {
  switch (error.code) {
    case 'EADDRINUSE':
      return (
        `Port ${port} on ${host} is in use by another program, perhaps by another Switchyard: ` +
        'end that one, or choose another port (0 picks a free one).'
      );
    case 'EACCES':
      return `Port ${port} on ${host} may not be opened by this user: choose one above 1023.`;
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `"${host}" is no address of this machine: listen on 127.0.0.1, or on one that it has.`;
    default:
      return `Could not listen on ${host}:${port}: ${error.message}.`;
  }
}
