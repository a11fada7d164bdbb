/**
 * A downstream server whose every byte the test decides, reachable over one transport.
 *
 * Runs in the test's own process and knows nothing of the code under test: requests are cut up by pattern, which
 * holds because the proxy writes each message in one form.
 */
import type { Carrier } from './raw-carriers.ts';

export type Era = 'legacy' | 'modern';

export interface RawRequest {
  /** The proxy's id, which is its progress token as well. */
  readonly id: string;
  readonly method: string;
  readonly params: string;
  /** A message before the answer. */
  send(text: string): void;
  /** The whole answer, as text. */
  end(text: string): void;
}

export interface RawListing {
  readonly tools: readonly string[];
  readonly prompts: readonly string[];
  readonly resources: readonly string[];
  readonly resourceTemplates: readonly string[];
}

const REQUEST = /^\{"jsonrpc":"2\.0","id":(\d+),"method":"([^"]+)"(?:,"params":(.*))?\}$/s;
const CAPABILITIES = '{"tools":{},"prompts":{},"resources":{"subscribe":true},"completions":{},"logging":{}}';
const INFO = '{"name":"raw","version":"1"}';
const LISTS: Readonly<Record<string, keyof RawListing>> = {
  'tools/list': 'tools',
  'prompts/list': 'prompts',
  'resources/list': 'resources',
  'resources/templates/list': 'resourceTemplates',
};

export class RawDownstream {
  readonly name: string;
  readonly era: Era;
  readonly listing: RawListing;
  /** Gets every call. */
  onCall: (request: RawRequest) => void = ({ id, end }) => end(resultOf(id, '{}'));
  /** Gets every message that is neither request nor part of the handshake. */
  onMessage: (text: string) => void = () => {};

  constructor(name: string, era: Era, listing: RawListing) {
    this.name = name;
    this.era = era;
    this.listing = listing;
  }

  take(text: string, carrier: Carrier): void {
    const found = REQUEST.exec(text);
    if (!found) {
      carrier.accept();
      this.onMessage(text);
      return;
    }
    const [, id = '', method = '', params = '{}'] = found;
    const own = this.#ownAnswer(id, method);
    if (own !== undefined) carrier.end(own);
    else this.onCall({ id, method, params, send: carrier.send, end: carrier.end });
  }

  #ownAnswer(id: string, method: string): string | undefined {
    const modern = this.era === 'modern';
    const hints = modern ? '"resultType":"complete","ttlMs":0,"cacheScope":"private",' : '';
    const list = LISTS[method];
    if (list) return resultOf(id, `{${hints}"${list}":[${this.listing[list].join(',')}]}`);
    if (method === 'initialize' && !modern)
      return resultOf(
        id,
        `{"protocolVersion":"2025-11-25","capabilities":${CAPABILITIES},"serverInfo":${INFO}}`,
      );
    if (method === 'server/discover' && modern)
      return resultOf(id, `{${hints}"supportedVersions":["2026-07-28"],"capabilities":${CAPABILITIES}}`);
    if (method === 'initialize' || method === 'server/discover')
      return errorOf(id, '{"code":-32601,"message":"unknown method"}');
    if (method === 'ping' || method === 'logging/setLevel') return resultOf(id, '{}');
    return undefined;
  }
}

export function resultOf(id: string, result: string): string {
  return `{"jsonrpc":"2.0","id":${id},"result":${result}}`;
}

export function errorOf(id: string, error: string): string {
  return `{"jsonrpc":"2.0","id":${id},"error":${error}}`;
}
