/**
 * Notifications of a server go to the one client that can be meant; of a flood only a part goes, with a word about how
 * much was left out.
 */
import type { Call, ClientHandle } from '../core/call.ts';
import type { Clock } from '../core/clock.ts';
import { Json, stringAt } from '../json/json.ts';
import type { DownstreamEvents } from './downstream-options.ts';
import { TokenBucket } from './rate-limits.ts';
import { onlyClientsLatest } from './questions.ts';

const LOG_MESSAGE = 'notifications/message';
/** Resources whose updates are told late; of further ones only the count is kept. */
const MAX_HELD = 1000;

export interface NotificationRouterOptions {
  readonly server: string;
  readonly clientHandle: () => ClientHandle | undefined;
  readonly events: Pick<
    DownstreamEvents,
    'outdated' | 'resourceUpdated' | 'taskChanged' | 'elicitationCompleted'
  >;
  /** The lists changed; comes after `outdated`. */
  readonly listsChanged: () => void;
  /** The id of the client that was shown what is complete now. */
  readonly clientOfElicitation: (params: Json) => string | undefined;
  readonly odd: (what: string, times?: number) => void;
  readonly perSecond: number;
  readonly clock: Clock;
}

type Tell = (method: string, params: Json) => void;

interface Messages {
  readonly allowance: TokenBucket;
  leftOut: number;
}

export class NotificationRouter {
  readonly #options: NotificationRouterOptions;
  readonly #updates: TokenBucket;
  /** The counts by call or client that messages go to: a call that is flooded costs the others nothing. */
  readonly #messages = new WeakMap<object, Messages>();
  /** The newest update of each URI. */
  readonly #held = new Map<string, Json>();
  readonly #timers = new Map<object, () => void>();

  constructor(options: NotificationRouterOptions) {
    this.#options = options;
    this.#updates = new TokenBucket(options.perSecond, options.clock);
  }

  /** @param call the call on whose own stream the notification came. @param calls all under way, oldest first. */
  receive(method: string, params: Json, call: Call | undefined, calls: Iterable<Call>): void {
    const { events, listsChanged } = this.#options;
    switch (method) {
      case 'notifications/tools/list_changed':
      case 'notifications/prompts/list_changed':
      case 'notifications/resources/list_changed':
        events.outdated();
        listsChanged();
        return;
      case 'notifications/subscriptions/acknowledged':
        return;
      case 'notifications/resources/updated':
        this.#resourceUpdated(params);
        return;
      case 'notifications/tasks/status':
      case 'notifications/tasks':
        events.taskChanged(method, params);
        return;
      case 'notifications/elicitation/complete':
        this.#elicitationCompleted(params);
        return;
      default:
        this.#toOneClient(method, params, call, calls);
    }
  }

  #elicitationCompleted(params: Json): void {
    const { events, clientOfElicitation, odd } = this.#options;
    const clientId = clientOfElicitation(params);
    if (clientId === undefined) odd('the completion of an elicitation that nobody was shown');
    else events.elicitationCompleted(clientId, params);
  }

  /** Log messages above all: to the call whose stream it is, else to the only client that can be meant. */
  #toOneClient(method: string, params: Json, call: Call | undefined, calls: Iterable<Call>): void {
    const { odd, clock, perSecond } = this.#options;
    const clientHandle = this.#options.clientHandle();
    const about = call ?? onlyClientsLatest(calls, clientHandle);
    const tell: Tell | undefined =
      about?.onNotification ?? (clientHandle && ((what, json) => clientHandle.notify(what, json)));
    if (!tell) return odd(`${method} that belongs to no one client`);
    const whose = about?.onNotification ? about : (clientHandle as ClientHandle);
    let messages = this.#messages.get(whose);
    if (!messages)
      this.#messages.set(whose, (messages = { allowance: new TokenBucket(perSecond, clock), leftOut: 0 }));
    if (messages.allowance.take()) return tell(method, params);
    messages.leftOut++;
    const flooded = messages;
    this.#once(whose, () => this.#sayHowMany(flooded, tell), flooded.allowance.renewedInMs);
  }

  /** A resource that changes a thousand times a second is told of once in a while. */
  #resourceUpdated(params: Json): void {
    const { events, odd } = this.#options;
    if (this.#updates.take()) return events.resourceUpdated(params);
    const uri = stringAt(params.value, 'uri') ?? '';
    if (this.#held.has(uri) || this.#held.size >= MAX_HELD) odd('an update of a resource in a flood of them');
    if (this.#held.size < MAX_HELD || this.#held.has(uri)) this.#held.set(uri, params);
    this.#once(this.#held, () => this.#tellUpdates(), this.#updates.renewedInMs);
  }

  stop(): void {
    for (const cancel of this.#timers.values()) cancel();
    this.#timers.clear();
    this.#held.clear();
  }

  #once(key: object, task: () => void, ms: number): void {
    if (this.#timers.has(key)) return;
    const cancel = this.#options.clock.after(ms, () => {
      this.#timers.delete(key);
      task();
    });
    this.#timers.set(key, cancel);
  }

  #sayHowMany(messages: Messages, tell: Tell): void {
    const { server, odd, perSecond } = this.#options;
    const { leftOut } = messages;
    messages.leftOut = 0;
    odd('a notification in a flood of them', leftOut);
    const data = `${leftOut} messages of "${server}" were left out: more than ${perSecond} in a second.`;
    tell(LOG_MESSAGE, Json.of({ level: 'warning', logger: 'switchyard', data }));
  }

  #tellUpdates(): void {
    const held = [...this.#held.values()];
    this.#held.clear();
    for (const params of held) this.#options.events.resourceUpdated(params);
  }
}
