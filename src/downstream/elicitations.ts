/** Which client was shown which address to open, so that only it hears that the matter is done. */
import type { Client } from '../core/call.ts';
import { RpcError } from '../core/errors.ts';
import { at, type Json, stringAt } from '../core/json.ts';

const MAX_REMEMBERED = 1000;
/** The error by which a legacy server asks for addresses to be opened before it is called again. */
const URL_ELICITATION_REQUIRED = -32042;

export class Elicitations {
  readonly #clients = new Map<string, string>();

  /** A question went to this client. */
  asked(method: string, params: Json, client: Client): void {
    if (method === 'elicitation/create') this.#note(stringAt(params.value, 'elicitationId'), client);
  }

  /** A call of this client failed. */
  failed(error: unknown, client: Client): void {
    if (!(error instanceof RpcError) || error.code !== URL_ELICITATION_REQUIRED) return;
    const list = at(error.json.value, 'data', 'elicitations');
    if (Array.isArray(list)) for (const one of list) this.#note(stringAt(one, 'elicitationId'), client);
  }

  /** The id of the client that a notification of completion is for. */
  completed(params: Json): string | undefined {
    return this.#clients.get(stringAt(params.value, 'elicitationId') ?? '');
  }

  #note(id: string | undefined, client: Client): void {
    if (id === undefined) return;
    const oldest = this.#clients.size >= MAX_REMEMBERED ? this.#clients.keys().next().value : undefined;
    if (oldest !== undefined) this.#clients.delete(oldest);
    this.#clients.set(id, client.id);
  }
}
