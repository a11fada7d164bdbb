/** Who asks for a run: a client, or the operator at the machine, who sees all runs and may answer for a person. */
import type { Client } from '../core/call.ts';
import type { Caller } from './calls.ts';
import { USER_OF_THIS_MACHINE } from './owners.ts';

export const OPERATOR = 'operator';

export type Who = Caller | typeof OPERATOR;

export interface IdentitiesOptions {
  /** Names the owner of a client's runs; default: each client owns its own. */
  readonly ownerOf?: ((client: Client) => string) | undefined;
  /** Stands for a client that is gone: `owner` as `ownerOf` gave it. */
  readonly clientFor?: ((owner: string) => Client) | undefined;
}

export class Identities {
  readonly #ownerOf: (client: Client) => string;
  readonly clientFor: (owner: string) => Client;

  constructor({ ownerOf, clientFor }: IdentitiesOptions) {
    this.#ownerOf = ownerOf ?? ((client) => client.id);
    this.clientFor = clientFor ?? absentClient;
  }

  callerOf(who: Who): Caller {
    return who === OPERATOR ? { client: this.clientFor(USER_OF_THIS_MACHINE) } : who;
  }

  /** The owner of the runs that are begun. */
  ownerOf(who: Who): string {
    return who === OPERATOR ? USER_OF_THIS_MACHINE : this.#ownerOf(who.client);
  }

  /** The owner whose runs can be seen; `undefined`: all runs. */
  visibleOwner(who: Who): string | undefined {
    return who === OPERATOR ? undefined : this.#ownerOf(who.client);
  }
}

/** The client whose tools are seen; `undefined`: the tools that all clients see. */
export function seenAs(who: Who): Client | undefined {
  return who === OPERATOR ? undefined : who.client;
}

/** The name under which a decision is put on record. */
export function decidedBy(who: Who): string {
  return who === OPERATOR ? OPERATOR : 'caller';
}

function absentClient(owner: string): Client {
  return {
    id: owner,
    view: owner,
    era: 'modern',
    protocolVersion: '2026-07-28',
    info: { name: 'switchyard' },
    capabilities: {},
    logLevel: undefined,
  };
}
