/**
 * Where the browser brings the answer of a login: a page on a loopback port of this machine, for one answer.
 *
 * Requests without the right `state` are turned away and change nothing.
 */
import { timingSafeEqual } from 'node:crypto';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface RedirectListener {
  readonly redirectUri: string;
  close(): void;
}

export interface RedirectListenerOptions {
  /** Tried first: the one a client was registered with, or the operator's word. */
  readonly redirectUri: string | undefined;
  /** Nothing else will do. */
  readonly fixed: boolean;
  readonly state: string;
  /** Takes the answer. @returns what the person in front of the browser is told. */
  readonly answered: (params: URLSearchParams) => Promise<string>;
}

/** @throws Error where the port is taken and no other may be used. */
export async function listenForRedirect(options: RedirectListenerOptions): Promise<RedirectListener> {
  const wanted = options.redirectUri === undefined ? undefined : new URL(options.redirectUri);
  const path = wanted?.pathname ?? '/callback';
  let used = false;
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://127.0.0.1');
    if (request.method !== 'GET' || url.pathname !== path)
      return page(response, 404, 'There is nothing here.');
    if (!isSame(url.searchParams.get('state') ?? '', options.state))
      return page(response, 400, 'This is not the answer to a login that was begun here.');
    if (used) return page(response, 400, 'This login is over.');
    used = true;
    options.answered(url.searchParams).then(
      (says) => page(response, 200, says),
      (error: unknown) => page(response, 400, error instanceof Error ? error.message : 'The login failed.'),
    );
  });
  server.requestTimeout = 10_000;
  server.maxConnections = 20;
  const host = wanted?.hostname === '[::1]' ? '::1' : '127.0.0.1';
  const ports = [...(wanted ? [Number(wanted.port) || 80] : []), ...(options.fixed ? [] : [0])];
  for (const [nth, port] of ports.entries()) {
    try {
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject);
        server.listen(port, host, () => resolve(server.off('error', reject) && undefined));
      });
      break;
    } catch (error) {
      if (nth === ports.length - 1) throw error;
    }
  }
  server.on('error', () => {
    // Of one connection: the login goes on.
  });
  const { port } = server.address() as AddressInfo;
  const named = wanted && Number(wanted.port) === port ? wanted.href : `http://127.0.0.1:${port}${path}`;
  return {
    redirectUri: options.fixed && options.redirectUri !== undefined ? options.redirectUri : named,
    close() {
      server.close();
      server.closeIdleConnections();
    },
  };
}

export function isSame(given: string, right: string): boolean {
  const [one, other] = [Buffer.from(given), Buffer.from(right)];
  return one.length === other.length && timingSafeEqual(one, other);
}

function page(response: ServerResponse, status: number, text: string): void {
  const safe = text.replaceAll(/[<>&"']/g, (sign) => `&#${sign.charCodeAt(0)};`);
  response.writeHead(status, {
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'",
    'cache-control': 'no-store',
    'referrer-policy': 'no-referrer',
    connection: 'close',
  });
  response.end(
    `<!doctype html><meta charset="utf-8"><title>Switchyard</title><body style="font:1.2em system-ui;margin:15vh auto;max-width:32em;text-align:center"><h1>Switchyard</h1><p>${safe}</p></body>`,
  );
}
