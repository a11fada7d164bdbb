/**
 * A downstream's question on its way to the client that is meant.
 *
 * A question goes to the client that caused it and to nobody else. Where that cannot be told it is refused:
 * a question shown to the wrong person is worse than none.
 */
import type { AskClient, Call, Client, ClientHandle, Question } from '../core/call.ts';
import { ProxyError, RpcError } from '../core/errors.ts';
import { editObject } from '../json/edit.ts';
import { at, Json, stringAt } from '../json/json.ts';
import { capabilityFor, covers } from '../protocol/client-capabilities.ts';

/** The calls and the client that a question could be about. */
export interface Askable {
  /** The call on whose own stream the question came. */
  readonly call: Call | undefined;
  /** All calls under way on the same connection, oldest first. */
  readonly calls: Iterable<Call>;
  /** The one client that the connection belongs to, if it is not shared. */
  readonly clientHandle: ClientHandle | undefined;
}

/** A client that can be asked. */
export interface Asked {
  readonly client: Client;
  readonly ask: AskClient;
}

/** @returns `undefined` where several clients, or none, could be meant. */
export function whoIsAsked({ call, calls, clientHandle }: Askable): Asked | undefined {
  const about = call ?? onlyClientsLatest(calls, clientHandle);
  if (about?.ask) return { client: about.client, ask: about.ask };
  return about === undefined || about.client.id === clientHandle?.client.id ? clientHandle : undefined;
}

/** The latest call, if all calls are one client's: surely so where the connection is its own. */
export function onlyClientsLatest(
  calls: Iterable<Call>,
  clientHandle: ClientHandle | undefined,
): Call | undefined {
  let latest: Call | undefined;
  for (const call of calls) {
    if (latest !== undefined && !clientHandle && !sameClient(latest.client, call.client)) return undefined;
    latest = call;
  }
  return latest;
}

/** Modern clients that share a token, or need none, look like one: of their calls no two are surely one program's. */
function sameClient(one: Client, other: Client): boolean {
  return one.id === other.id && one.era === 'legacy';
}

/**
 * Puts the question, with the name of the server that asks.
 *
 * @throws ProxyError `CLIENT_CANNOT`, or why the question is improper. @throws RpcError what the client answered.
 */
export function put(asked: Asked, question: Question): Promise<Json> {
  const { method, params, server } = question;
  const needed = capabilityFor(method, params.value);
  if (needed !== undefined && !covers(asked.client.capabilities, needed)) throw clientCannot(method, server);
  refuseImproper(method, params, server);
  return asked.ask({ ...question, params: labelled(method, params, server) });
}

export function clientCannot(method: string, server: string): ProxyError {
  return new ProxyError('CLIENT_CANNOT', {
    message: `"${server}" asked for ${method}, which this client does not support.`,
    server,
    delivered: true,
  });
}

export function cannotTellWho(method: string, server: string): ProxyError {
  return new ProxyError('CLIENT_CANNOT', {
    message: `"${server}" asked for ${method}, and it cannot be told which client is meant. Give every client its own connection: set "connections": "per-client" for "${server}".`,
    server,
    delivered: true,
  });
}

/**
 * A link that a person is asked to open leads to a web page and nowhere else.
 *
 * @throws ProxyError
 */
export function refuseImproper(method: string, params: Json, server: string): void {
  if (method !== 'elicitation/create' || at(params.value, 'mode') !== 'url') return;
  const url = stringAt(params.value, 'url') ?? '';
  const scheme = URL.canParse(url) ? new URL(url).protocol : '';
  if (scheme === 'https:' || scheme === 'http:') return;
  const message = `"${server}" asked to open an address that is neither http nor https: refused.`;
  throw new ProxyError('PROTOCOL_ERROR', { message, server, delivered: true });
}

/** The question's text with the name of the server in front. */
export function labelled(method: string, params: Json, server: string): Json {
  const key =
    method === 'elicitation/create'
      ? 'message'
      : method === 'sampling/createMessage'
        ? 'systemPrompt'
        : undefined;
  if (key === undefined) return params;
  const text = stringAt(params.value, key);
  const label =
    key === 'message' || text !== undefined
      ? `[${server}] ${text ?? ''}`
      : `[${server}] asks for this completion.`;
  return Json.fromText(editObject(params.text, { [key]: JSON.stringify(label) }));
}

const MAX_REMEMBERED = 1000;
/** The error by which a legacy server asks for addresses to be opened before it is called again. */
const URL_ELICITATION_REQUIRED = -32042;

/** Remembers which client was shown which address to open, so that only that client hears that the matter is done. */
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
