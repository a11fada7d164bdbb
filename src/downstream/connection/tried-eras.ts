/** The handshakes that were tried in vain with one server, for an error that names them all. */
import { type ErrorCode, messageOf, ProxyError, RpcError } from '../../core/errors.ts';
import { LATEST_MODERN } from '../../protocol/revisions.ts';
import { EndpointNamed } from '../../transport/http-client/errors.ts';

type Way = 'server/discover' | 'initialize' | 'the older SSE transport';

/** A reason longer than this is cut. */
const MAX_CHARACTERS = 500;

export class Tried {
  readonly #server: string;
  readonly #failures = new Map<Way, unknown>();

  constructor(server: string) {
    this.#server = server;
  }

  add(way: Way, error: unknown): void {
    this.#failures.set(way, error);
  }

  /** The server behaves as one of the older SSE transport does. */
  get endpointNamed(): boolean {
    return [...this.#failures.values()].some(
      (error) => error instanceof ProxyError && error.cause instanceof EndpointNamed,
    );
  }

  /** Every way with its reason; `undefined` where none has failed yet. */
  get reasons(): string | undefined {
    if (this.#failures.size === 0) return undefined;
    return [...this.#failures].map(([way, error]) => `${nameOf(way)}: ${this.#reasonOf(error)}`).join('; ');
  }

  /** @param last what the last way ended with: where it was the only one, that is the error. */
  error(last: unknown): unknown {
    const speaksForItself = last instanceof ProxyError && last.code === 'LOGIN_REQUIRED';
    if (this.#failures.size < 2 || speaksForItself) return last;
    const failures = [...this.#failures.values()].filter((error) => error instanceof ProxyError);
    const waits = failures.map(({ retryAfterMs }) => retryAfterMs ?? 0);
    const retryAfterMs = Math.max(0, ...waits);
    return new ProxyError(codeOf(last), {
      message: `"${this.#server}" could not be greeted. ${this.reasons}. If it speaks only one of them, say so with "protocol" or "type" in its config.`,
      server: this.#server,
      delivered: false,
      ...(retryAfterMs > 0 && { retryAfterMs }),
      cause: last instanceof ProxyError ? (last.cause ?? last) : last,
    });
  }

  #reasonOf(error: unknown): string {
    const message = messageOf(error);
    const subject = `"${this.#server}" `;
    const text = message.startsWith(subject) ? message.slice(subject.length) : message;
    const code = error instanceof RpcError ? `error ${error.code}: ` : '';
    return `${code}${text.slice(0, MAX_CHARACTERS).replace(/\.$/, '')}`;
  }
}

function nameOf(way: Way): string {
  return way === 'server/discover' ? `server/discover (${LATEST_MODERN})` : way;
}

function codeOf(error: unknown): ErrorCode {
  return error instanceof ProxyError ? error.code : 'PROTOCOL_ERROR';
}
