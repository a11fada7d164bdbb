/** All calls of modern clients that are under way, those included that wait for their clients' answers. */
import { randomUUID } from 'node:crypto';
import type { Cause } from '../../core/cancellation.ts';
import type { Clock } from '../../core/clock.ts';
import { ProxyError } from '../../core/errors.ts';
import { InFlight } from '../../protocol/in-flight.ts';
import { wholeNumber } from '../../core/whole-number.ts';
import type { ClientLimits } from '../served-proxy.ts';
import { PendingCall, type Waiter } from './pending-call.ts';
import type { RequestStates, StateOwner } from './request-state.ts';

export interface PendingCallsOptions {
  readonly clock: Clock;
  readonly limits: ClientLimits;
  readonly states: RequestStates;
  /** Milliseconds that a parked call waits for its client. */
  readonly parkMs: number;
}

export class PendingCalls {
  readonly #options: PendingCallsOptions;
  readonly #calls = new InFlight<PendingCall>();
  /** Sealed states outlive a process, and processes share a key: no call of another process has the same name. */
  readonly #namePrefix = `${randomUUID()} `;
  #lastNumber = 0;
  /** The number of calls that wait for their client, by client. */
  readonly #parked = new Map<string, number>();

  constructor(options: PendingCallsOptions) {
    this.#options = options;
  }

  /** @throws ProxyError `BUSY` where too many calls are under way already. */
  checkRoom(clientId: string): void {
    if (this.#calls.size >= this.#options.limits.calls)
      throw tooMany(`${this.#calls.size} calls of modern clients are under way.`);
    const refusal = this.#parkingRefusal(clientId);
    if (refusal) throw refusal;
  }

  /** @param owner the call itself: only a retry of the same call may pick it up. */
  begin(owner: StateOwner, waiter: Waiter, ended: () => void): PendingCall {
    const number = (this.#lastNumber = this.#calls.idAfter(this.#lastNumber));
    const { clock, parkMs, states } = this.#options;
    const clientId = owner.client.id;
    const call = new PendingCall(
      {
        clock,
        parkMs,
        seal: (round) => states.seal({ call: this.#namePrefix + number, round }, owner),
        ended: () => {
          this.#calls.delete(number);
          ended();
        },
        refusal: () => this.#parkingRefusal(clientId),
        parked: (is) => this.#countParked(clientId, is ? 1 : -1),
      },
      waiter,
    );
    this.#calls.set(number, call);
    return call;
  }

  find(name: unknown): PendingCall | undefined {
    if (typeof name !== 'string' || !name.startsWith(this.#namePrefix)) return undefined;
    const number = wholeNumber(name.slice(this.#namePrefix.length));
    return number === undefined ? undefined : this.#calls.get(number);
  }

  giveUpAll(reason: string, cause: Cause): void {
    for (const call of this.#calls.values()) call.giveUp(reason, cause);
  }

  #parkingRefusal(clientId: string): ProxyError | undefined {
    const parked = this.#parked.get(clientId) ?? 0;
    if (parked < this.#options.limits.parkedCalls) return undefined;
    return tooMany(`${parked} calls of this client wait for its answers.`);
  }

  #countParked(clientId: string, by: number): void {
    const count = (this.#parked.get(clientId) ?? 0) + by;
    if (count > 0) this.#parked.set(clientId, count);
    else this.#parked.delete(clientId);
  }
}

export function tooMany(message: string): ProxyError {
  return new ProxyError('BUSY', { message, delivered: false });
}
