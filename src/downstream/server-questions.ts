/** Questions of a server: finds the client that is meant, or refuses where that cannot be told. */
import type { Client, ClientHandle } from '../core/call.ts';
import type { Json } from '../json/json.ts';
import { capabilityFor, covers } from '../protocol/client-capabilities.ts';
import type { IdentitySource } from './connection/client-info.ts';
import type { Connection } from './connection/connection.ts';
import type { IncomingQuestion } from './connection/server-requests.ts';
import { cannotTellWho, Elicitations, put, whoIsAsked } from './questions.ts';
import type { Roots } from './roots.ts';

export interface ServerQuestionsOptions {
  readonly server: string;
  readonly identity: IdentitySource;
  readonly roots: Roots;
  /** The one client that the server can only mean. */
  readonly clientHandle: () => ClientHandle | undefined;
  /** The one client of the modern era, which can be asked only while it waits for an answer. */
  readonly caller: () => Client | undefined;
  /** The server learns the roots of this client, and takes them as its own limits. */
  readonly rootsAsked: (client: Client) => void;
  /** A question came that only a connection per client could have answered. */
  readonly needsOwnConnections: () => void;
}

export class ServerQuestions {
  readonly #options: ServerQuestionsOptions;
  readonly #elicitations = new Elicitations();
  #count = 0;

  constructor(options: ServerQuestionsOptions) {
    this.#options = options;
  }

  /** The number of questions so far: the time that a client took to answer one is not the server's. */
  get count(): number {
    return this.#count;
  }

  /** @throws ProxyError `CLIENT_CANNOT` where no client can be asked. @throws RpcError what the client answered. */
  answer(question: IncomingQuestion, connection: Connection): Promise<Json> {
    const { server, identity, roots, caller: callerNow, rootsAsked } = this.#options;
    const { method, params, call, signal, onProgress } = question;
    this.#count++;
    const clientHandle = this.#options.clientHandle();
    const asked = whoIsAsked({ call, calls: connection.calls, clientHandle });
    if (method === 'roots/list') {
      const caller = asked === undefined || asked === clientHandle ? callerNow() : undefined;
      const client = caller ?? asked?.client;
      const hasRoots = client?.capabilities['roots'] !== undefined;
      if (client && hasRoots) rootsAsked(client);
      if (caller && hasRoots) return roots.hold(question);
    }
    if (asked) {
      this.#elicitations.asked(method, params, asked.client);
      const answer = put(asked, { method, params, server, signal, onProgress });
      if (method === 'roots/list' && asked === clientHandle) roots.asked(answer);
      return answer;
    }
    const needed = capabilityFor(method, params.value);
    // No client here could have answered, whichever is meant.
    const inVain = needed !== undefined && !covers(identity.now?.capabilities ?? {}, needed);
    if (!inVain) this.#options.needsOwnConnections();
    return Promise.reject(cannotTellWho(method, server));
  }

  /** A call of this client failed: its error may ask for addresses to be opened. */
  callFailed(error: unknown, client: Client): void {
    this.#elicitations.failed(error, client);
  }

  /** The id of the client that was shown what is complete now. */
  completed(params: Json): string | undefined {
    return this.#elicitations.completed(params);
  }
}
