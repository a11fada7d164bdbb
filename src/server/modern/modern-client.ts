/** A modern client beyond its single requests: its attachment, and its subscription streams. */
import type { AskClient, Client } from '../../core/call.ts';
import type { Clock } from '../../core/clock.ts';
import { INVALID_PARAMS, messageOf, ProxyError, RpcError } from '../../core/errors.ts';
import { Idle } from '../../core/idle.ts';
import { at, isObject, Json, type JsonObject, stringAt } from '../../json/json.ts';
import { editObject, memberText } from '../../json/edit.ts';
import type { ListKind } from '../../core/listing.ts';
import type { Logger } from '../../core/logger.ts';
import { covers } from '../../protocol/client-capabilities.ts';
import { type IdText, notificationText, resultText } from '../../protocol/message.ts';
import { META_SERVER_INFO, META_SUBSCRIPTION_ID, TASKS_EXTENSION } from '../../protocol/revisions.ts';
import type { ResponseSink } from '../response-sink.ts';
import type { Attachment, ConnectedClient, ServedProxy } from '../served-proxy.ts';

/** A client without requests and streams is forgotten after this time. */
const IDLE_MS = 5 * 60_000;

export interface ModernClientOptions {
  readonly served: ServedProxy;
  readonly client: Client;
  readonly clock: Clock;
  readonly log: Logger;
  readonly idle: () => void;
}

interface Stream {
  /** The client's id of the request; not unique among clients that share an identity. */
  readonly id: IdText;
  readonly responseSink: ResponseSink;
  readonly wants: ReadonlySet<ListKind>;
  readonly uris: ReadonlySet<string>;
  /** The URIs that were subscribed to so far. */
  readonly subscribed: Set<string>;
  readonly taskIds: ReadonlySet<string>;
  readonly ended: () => void;
}

/** The events of a stream. */
interface StreamEvents {
  /** The stream is open; `unlisten` ends it. */
  readonly opened: (unlisten: () => void) => void;
  readonly ended: () => void;
}

const FILTER_KEYS: readonly (readonly [
  key: string,
  capability: string,
  kinds: readonly ListKind[],
  method: string,
])[] = [
  ['toolsListChanged', 'tools', ['tools'], 'notifications/tools/list_changed'],
  ['promptsListChanged', 'prompts', ['prompts'], 'notifications/prompts/list_changed'],
  [
    'resourcesListChanged',
    'resources',
    ['resources', 'resourceTemplates'],
    'notifications/resources/list_changed',
  ],
];

export class ModernClient implements ConnectedClient {
  readonly attachment: Attachment;
  readonly #options: ModernClientOptions;
  readonly #streams = new Set<Stream>();
  #calls = 0;
  #client: Client;
  readonly #idle: Idle;

  constructor(options: ModernClientOptions) {
    this.#options = options;
    this.#client = options.client;
    this.attachment = options.served.attach(this);
    this.#idle = new Idle(IDLE_MS, options.clock, () => this.#whenIdle());
    this.use(options.client);
  }

  get client(): Client {
    return this.#client;
  }

  /** The client waits for an answer, or for news. */
  get busy(): boolean {
    return this.#streams.size > 0 || this.#calls > 0;
  }

  /** A call is under way. @returns a function for its end, parked time included. */
  began(): () => void {
    this.#calls++;
    return () => this.#calls--;
  }

  /** Fails: the modern era has no way to ask outside of a call. */
  readonly ask: AskClient = ({ method, server }) =>
    Promise.reject(
      new ProxyError('CLIENT_CANNOT', {
        message: `"${server}" asked for ${method} outside of any call; a client of this protocol version cannot be asked then.`,
        server,
        delivered: true,
      }),
    );

  /** Notes a request of the client. */
  use(client: Client): this {
    this.#client = client;
    if (client.logLevel !== undefined) this.attachment.setLogLevel(client.logLevel);
    this.#idle.used();
    return this;
  }

  /** Opens a subscription stream; the acknowledgement is its first message. */
  async listen(
    id: IdText,
    params: Json,
    responseSink: ResponseSink,
    client: Client,
    { opened, ended }: StreamEvents,
  ): Promise<void> {
    const filter = at(params.value, 'notifications');
    if (!isObject(filter)) throw RpcError.of(INVALID_PARAMS, 'subscriptions/listen needs "notifications"');
    const { limits } = this.#options.served;
    if (this.#streams.size >= limits.streams) throw tooManyStreams(limits.streams);
    const uris = new Set(stringsAt(filter, 'resourceSubscriptions'));
    const tasks = covers(client.capabilities, { extensions: { [TASKS_EXTENSION]: {} } });
    const taskIds = new Set(tasks ? stringsAt(filter, 'taskIds') : []);
    if (Math.max(uris.size, taskIds.size) > limits.subscriptions)
      throw RpcError.of(
        INVALID_PARAMS,
        `No more than ${limits.subscriptions} resources and tasks on one stream (limits.subscriptions)`,
      );
    const catalog = await this.attachment.greetingCatalog();
    // Several requests may have waited at the same time.
    if (this.#streams.size >= limits.streams) throw tooManyStreams(limits.streams);
    const granted = FILTER_KEYS.filter(
      ([key, capability]) => filter[key] === true && at(catalog.capabilities, capability) !== undefined,
    );
    const stream: Stream = {
      id,
      responseSink,
      // A list of tools that find the others does not change with them.
      wants: new Set(
        granted
          .flatMap(([, , kinds]) => kinds)
          .filter((kind) => kind !== 'tools' || client.exposure?.list !== 'search'),
      ),
      uris,
      subscribed: new Set(),
      taskIds,
      ended,
    };
    this.#streams.add(stream);
    if (stream.wants.size > 0) this.attachment.listens();
    const unlisten = (): void => this.#unlisten(stream);
    opened(unlisten);
    responseSink.onGone(unlisten);
    this.#tell(stream, 'notifications/subscriptions/acknowledged', {
      notifications: {
        ...Object.fromEntries(granted.map(([key]) => [key, true])),
        ...(uris.size > 0 && { resourceSubscriptions: [...uris] }),
        ...(taskIds.size > 0 && { taskIds: [...taskIds] }),
      },
    });
    if (!this.#streams.has(stream)) return;
    for (const taskId of taskIds) this.attachment.watchTask(taskId);
    for (const uri of uris) {
      // A client that left in between has undone the subscriptions made so far, and wants no more.
      if (!this.#streams.has(stream)) return;
      stream.subscribed.add(uri);
      await this.#ignoringTrouble(this.attachment.subscribe(uri));
    }
  }

  /** The client has ended the stream, or is gone. */
  #unlisten(stream: Stream): void {
    if (!this.#streams.delete(stream)) return;
    stream.ended();
    for (const taskId of stream.taskIds) this.attachment.unwatchTask(taskId);
    for (const uri of stream.subscribed) void this.#ignoringTrouble(this.attachment.unsubscribe(uri));
  }

  listsChanged(kinds: readonly ListKind[]): void {
    for (const stream of this.#streams)
      for (const [, , about, method] of FILTER_KEYS)
        if (about.some((kind) => kinds.includes(kind) && stream.wants.has(kind)))
          this.#tell(stream, method, {});
  }

  resourceUpdated(params: Json, subscribed: ReadonlySet<string>): void {
    for (const stream of this.#streams)
      if ([...stream.uris].some((uri) => subscribed.has(uri)))
        this.#pass(stream, 'notifications/resources/updated', params);
  }

  /** Passes news of the client's tasks; other notifications do not reach a modern client outside of calls. */
  notify(method: string, params: Json): void {
    const taskId = method === 'notifications/tasks' ? stringAt(params.value, 'taskId') : undefined;
    if (taskId === undefined) return;
    for (const stream of this.#streams) if (stream.taskIds.has(taskId)) this.#pass(stream, method, params);
  }

  /** The proxy stops: every stream ends with its result. */
  close(): void {
    this.#idle.stop();
    for (const { id, responseSink } of this.#streams)
      responseSink.end(resultText(id, this.#streamResult(id)));
    this.#streams.clear();
    this.attachment.detach();
  }

  #streamResult(id: IdText): Json {
    const info = JSON.stringify(this.#options.served.info);
    return Json.fromText(
      `{"resultType":"complete","_meta":{"${META_SUBSCRIPTION_ID}":${id},"${META_SERVER_INFO}":${info}}}`,
    );
  }

  #tell(stream: Stream, method: string, params: JsonObject): void {
    this.#pass(stream, method, Json.of(params));
  }

  #pass({ id, responseSink }: Stream, method: string, params: Json): void {
    const meta = editObject(memberText(params.text, '_meta') ?? '{}', { [META_SUBSCRIPTION_ID]: id });
    responseSink.send(notificationText(method, Json.fromText(editObject(params.text, { _meta: meta }))));
  }

  #whenIdle(): void {
    if (this.busy) return this.#idle.used();
    this.#options.idle();
    this.attachment.detach();
  }

  #ignoringTrouble(work: Promise<void>): Promise<void> {
    return work.catch((error: unknown) => {
      this.#options.log.warn({ why: messageOf(error) }, 'a resource subscription failed');
    });
  }
}

function tooManyStreams(most: number): RpcError {
  return RpcError.of(INVALID_PARAMS, `No more than ${most} subscription streams of one client`);
}

function stringsAt(filter: JsonObject, key: string): readonly string[] {
  const list = filter[key];
  return Array.isArray(list) ? list.filter((item): item is string => typeof item === 'string') : [];
}
