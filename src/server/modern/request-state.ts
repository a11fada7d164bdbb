/**
 * `requestState`: what a client must bring back with its answers to questions.
 *
 * The state leaves sealed, for one client, method and name: no other client can use it, and none can read it.
 */
import type { Call } from '../../core/call.ts';
import { editObject } from '../../json/edit.ts';
import { isObject, type Json } from '../../json/json.ts';
import type { Sealer } from '../../protocol/seal.ts';

/** A parked call of ours and the round that it waits in, or the state of a modern server. */
export type RequestState =
  { readonly call: string; readonly round: number } | { readonly state: string | null };

/** The only request that a state may come back with. */
export type StateOwner = Pick<Call, 'client' | 'method' | 'name'>;

export class RequestStates {
  readonly #sealer: Sealer;
  readonly #validMs: number;

  constructor(sealer: Sealer, validMs: number) {
    this.#sealer = sealer;
    this.#validMs = validMs;
  }

  seal(state: RequestState, owner: StateOwner): string {
    return this.#sealer.seal(state, purposeOf(owner), this.#validMs);
  }

  /** @returns `undefined` where the state is not ours, is another owner's, or is too old. */
  open(sealed: unknown, owner: StateOwner): RequestState | undefined {
    if (typeof sealed !== 'string') return undefined;
    const opened = this.#sealer.open(sealed, purposeOf(owner));
    return isObject(opened) ? (opened as unknown as RequestState) : undefined;
  }

  /** Seals the state in a modern server's result that asks for input. */
  sealWithin(result: Json, owner: StateOwner): Json {
    if (result.at('resultType') !== 'input_required') return result;
    const state = result.stringAt('requestState') ?? null;
    const requestState = JSON.stringify(this.seal({ state }, owner));
    return result.edit((text) => editObject(text, { requestState }));
  }
}

function purposeOf({ client, method, name }: StateOwner): { clientId: string; purpose: string } {
  return { clientId: client.id, purpose: `state ${method} ${name}` };
}
