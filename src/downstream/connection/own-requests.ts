/** The proxy's own requests on a connection, in the name of a client: lists, and signs of life. */
import type { Client } from '../../core/call.ts';
import type { Cancellation } from '../../core/cancellation.ts';
import { RpcError } from '../../core/errors.ts';
import type { Listing } from '../../core/listing.ts';
import { editObject } from '../../json/edit.ts';
import type { Json, JsonObject } from '../../json/json.ts';
import { modernEnvelope } from '../../protocol/params.ts';
import type { ConnectionLimits } from './connection-limits.ts';
import { type Agreement, type Fetched, fetchListing, type UndeclaredLists } from './pages.ts';

type InNameOf = Pick<Client, 'info' | 'capabilities'>;

export interface ListOptions {
  /** The last listing. */
  readonly before: Listing | undefined;
  readonly undeclared?: UndeclaredLists;
  readonly signal: Cancellation;
}

export interface OwnRequestsOptions {
  readonly agreement: () => Agreement;
  readonly request: (
    method: string,
    params: JsonObject | undefined,
    signal: Cancellation,
  ) => PromiseLike<Json>;
  readonly limits: Pick<ConnectionLimits, 'tools' | 'pages' | 'listBytes'>;
}

export class OwnRequests {
  readonly #options: OwnRequestsOptions;
  /** The list that the server answered with the fewest characters. */
  #shortestAnswer: { readonly method: string; readonly length: number } | undefined;

  constructor(options: OwnRequestsOptions) {
    this.#options = options;
  }

  /** Fetches all lists. */
  list(client: InNameOf, { before, undeclared, signal }: ListOptions): Promise<Fetched> {
    const { agreement, request, limits } = this.#options;
    const agreed = agreement();
    const envelope = agreed.era === 'modern' ? { _meta: envelopeFor(client) } : {};
    return fetchListing(agreed, {
      ask: async (method, params) => {
        const result = await request(method, { ...params, ...envelope }, signal);
        if (result.length < (this.#shortestAnswer?.length ?? Infinity))
          this.#shortestAnswer = { method, length: result.length };
        return result;
      },
      before,
      ...(undeclared && { undeclared }),
      maxItems: limits.tools,
      maxPages: limits.pages,
      maxBytes: limits.listBytes,
    });
  }

  /** Asks for a sign of life: any answer is one. @throws ProxyError where no answer came. */
  probe(client: InNameOf, signal: Cancellation): Promise<void> {
    // The modern era has no ping; `server/discover` is the smallest request that every modern server answers.
    const method = this.#options.agreement().era === 'modern' ? 'server/discover' : 'ping';
    return this.#signOfLife(method, client, signal);
  }

  /** As `probe`, with a list that the server has answered before; `undefined` where there is none. */
  probeOtherwise(client: InNameOf, signal: Cancellation): Promise<void> | undefined {
    return this.#shortestAnswer && this.#signOfLife(this.#shortestAnswer.method, client, signal);
  }

  async #signOfLife(method: string, client: InNameOf, signal: Cancellation): Promise<void> {
    const { agreement, request } = this.#options;
    const params = agreement().era === 'modern' ? { _meta: envelopeFor(client) } : undefined;
    try {
      await request(method, params, signal);
    } catch (error) {
      if (!(error instanceof RpcError)) throw error;
    }
  }
}

/** The `_meta` of a modern request of the proxy's own. */
export function envelopeFor(client: InNameOf): JsonObject {
  return JSON.parse(editObject('{}', modernEnvelope({ ...client, logLevel: undefined }))) as JsonObject;
}
