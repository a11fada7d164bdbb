/**
 * What a server says without being asked: to the one client it can be for, and in a flood only a part of it, with a
 * word about how much was left out.
 */
import type { Call, ClientDoor } from '../core/call.ts';
import type { Clock } from '../core/clock.ts';
import { Json, stringAt } from '../core/json.ts';
import { Allowance } from './flood.ts';
import { onlyClientsLatest } from './questions.ts';

const PER_SECOND = 200;
const LOG_MESSAGE = 'notifications/message';
/** Resources whose updates are told late; of further ones only the count is kept. */
const MAX_HELD = 1000;

export interface SaidOptions {
  readonly server: string;
  readonly door: () => ClientDoor | undefined;
  readonly resourceUpdated: (params: Json) => void;
  readonly odd: (what: string, times?: number) => void;
  readonly clock: Clock;
}

type Tell = (method: string, params: Json) => void;

export class Said {
  readonly #options: SaidOptions;
  readonly #messages: Allowance;
  readonly #updates: Allowance;
  #leftOut = 0;
  #tellLater: Tell | undefined;
  /** By URI, the newest. */
  readonly #held = new Map<string, Json>();
  readonly #timers = new Map<string, () => void>();

  constructor(options: SaidOptions) {
    this.#options = options;
    this.#messages = new Allowance(PER_SECOND, options.clock);
    this.#updates = new Allowance(PER_SECOND, options.clock);
  }

  /** Log messages above all: to the call whose it is, else to the only client it can be for. */
  notification(method: string, params: Json, call: Call | undefined, calls: Iterable<Call>): void {
    const { odd, clock } = this.#options;
    const tell = this.#whom(call, calls);
    if (!tell) return odd(`${method} that belongs to no one client`);
    if (this.#messages.take()) return tell(method, params);
    this.#leftOut++;
    this.#tellLater = tell;
    this.#once('messages', () => this.#sayHowMany(), this.#messages.renewedInMs, clock);
  }

  /** A resource that changes a thousand times a second is told of once. */
  resourceUpdated(params: Json): void {
    const { resourceUpdated, odd, clock } = this.#options;
    if (this.#updates.take()) return resourceUpdated(params);
    const uri = stringAt(params.value, 'uri') ?? '';
    if (this.#held.has(uri) || this.#held.size >= MAX_HELD) odd('an update of a resource in a flood of them');
    if (this.#held.size < MAX_HELD || this.#held.has(uri)) this.#held.set(uri, params);
    this.#once('updates', () => this.#tellUpdates(), this.#updates.renewedInMs, clock);
  }

  stop(): void {
    for (const cancel of this.#timers.values()) cancel();
    this.#timers.clear();
    this.#held.clear();
  }

  #whom(call: Call | undefined, calls: Iterable<Call>): Tell | undefined {
    const door = this.#options.door();
    const about = call ?? onlyClientsLatest(calls, door);
    return about?.onNotification ?? (door && ((method, params) => door.notify(method, params)));
  }

  #once(key: string, task: () => void, ms: number, clock: Clock): void {
    if (this.#timers.has(key)) return;
    const cancel = clock.after(ms, () => {
      this.#timers.delete(key);
      task();
    });
    this.#timers.set(key, cancel);
  }

  #sayHowMany(): void {
    const { server, odd } = this.#options;
    const count = this.#leftOut;
    this.#leftOut = 0;
    odd('a notification in a flood of them', count);
    const data = `${count} messages of "${server}" were left out: more than ${PER_SECOND} in a second.`;
    this.#tellLater?.(LOG_MESSAGE, Json.of({ level: 'warning', logger: 'switchyard', data }));
    this.#tellLater = undefined;
  }

  #tellUpdates(): void {
    const held = [...this.#held.values()];
    this.#held.clear();
    for (const params of held) this.#options.resourceUpdated(params);
  }
}
