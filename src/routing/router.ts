/**
 * Name → targets → the one that answers. Decides where a call goes; whether it goes again is not its business.
 *
 * On the way back it sees to what only it can know: which server a URI or a task came from.
 */
import type { Catalog, Target } from '../catalog/catalog.ts';
import { nearestNames } from '../catalog/names/nearest-names.ts';
import type { UriMemory } from '../catalog/uris/uri-memory.ts';
import { Answer, answerOf, rethrow, type AnswerStep } from '../core/answer.ts';
import type { Cancellation } from '../core/cancellation.ts';
import type { Call, Client, Handler } from '../core/call.ts';
import { callWith } from '../core/call-with.ts';
import {
  INVALID_PARAMS,
  METHOD_NOT_FOUND,
  ProxyError,
  RESOURCE_NOT_FOUND,
  RpcError,
} from '../core/errors.ts';
import { at, Json, stringAt } from '../json/json.ts';
import type { ListKind } from '../core/listing.ts';
import { editObject, elementTexts, memberText } from '../json/edit.ts';
import { nameOf } from '../protocol/params.ts';
import type { Pool, LoadScore } from './pool.ts';
import type { TaskIds } from './task-ids.ts';

/** The servers and the catalog as one client sees them. */
export interface View {
  readonly catalog: Catalog;
  /** Waits a bounded time for something to be in the catalog, while servers are coming up. */
  appears(
    found: (catalog: Catalog) => boolean,
    wanted?: { name: string; signal?: Cancellation },
  ): Promise<void>;
  /** Why nothing of this name is there: its server could not be started. */
  absence(name: string): { readonly server: string; readonly why: string } | undefined;
  /** The connection to a server is this client's alone. */
  alone(server: string): boolean;
  /** Who answers for a server, with that server's middleware around. */
  find(server: string): Handler | undefined;
  /** There if the name is that of a pool. */
  pool(server: string): Pool | undefined;
  /** A pool's members that have something, in order of priority; of all its members without a name. */
  membersOf(pool: string, kind?: ListKind, name?: string): readonly string[];
  /** Whose namespace a server's things are in: its pool's, or its own. */
  ownerOf(server: string): string;
  scoreOf(server: string, tool: string | undefined): LoadScore;
}

export interface RouterOptions {
  readonly viewOf: (client: Client) => View;
  readonly uris: UriMemory;
  readonly tasks: TaskIds;
}

/** Which list holds what a method names. */
const KINDS: Readonly<Record<string, ListKind>> = {
  'tools/call': 'tools',
  'prompts/get': 'prompts',
  'resources/read': 'resources',
};
const NEAREST = 3;
const MAX_TASK_PAGES = 100;

export function createRouter({ viewOf, uris, tasks }: RouterOptions): Handler {
  return (call) => {
    const view = viewOf(call.client);
    const target = call.method === 'tools/call' ? view.catalog.tools.get(call.name)?.targets[0] : undefined;
    return target ? send(call, view, target) : Answer.from(answer(call, view));
  };

  async function answer(call: Call, view: View): Promise<Json> {
    switch (call.method) {
      case 'tools/call':
        return send(call, view, await routed(call, view, 'tools'));
      case 'prompts/get':
        return send(call, view, await routed(call, view, 'prompts'));
      case 'resources/read':
        return readResource(call, view);
      case 'completion/complete':
        return send(call, view, await completionTarget(call, view));
      case 'tasks/get':
      case 'tasks/result':
      case 'tasks/cancel':
      case 'tasks/update':
        return sendToTask(call, view);
      case 'tasks/list':
        return listTasks(call, view);
      default:
        return sendToExtension(call, view);
    }
  }

  function send(call: Call, view: View, { server, originalName }: Target): Answer {
    const pool = view.pool(server);
    if (!pool) return ask(call, view, server, originalName);
    const kind = KINDS[call.method];
    const having = view.membersOf(server, kind, originalName);
    const sent = pool.send(call, {
      members: having.length > 0 ? having : view.membersOf(server),
      originalName,
      scoreOf: (member) => view.scoreOf(member, kind === 'tools' ? originalName : undefined),
      ask: (member) => ask(call, view, member, originalName),
    });
    return Answer.from(sent);
  }

  function ask(call: Call, view: View, server: string, originalName: string): Answer {
    const handle = view.find(server);
    if (!handle) throw gone(server);
    const named = callWith(call, { name: originalName });
    return answerOf(handle, named).through(new AsClientsKnow(call.client, view, server, uris, tasks));
  }

  async function readResource(call: Call, view: View): Promise<Json> {
    if (uris.find(call.name, view.catalog) === undefined)
      await view.appears((catalog) => uris.find(call.name, catalog) !== undefined);
    const target = uris.find(call.name, view.catalog);
    if (target) return send(call, view, target);
    // Nobody listed it. Reading changes nothing, so the servers that have resources may be asked in turn.
    let refusal: RpcError | undefined;
    for (const server of view.catalog.resourceServers) {
      try {
        return await send(call, view, { server, originalName: call.name });
      } catch (error) {
        if (!(error instanceof RpcError)) throw error;
        refusal ??= error;
      }
    }
    throw refusal ?? RpcError.of(RESOURCE_NOT_FOUND, `Resource not found: ${call.name}`, { uri: call.name });
  }

  async function sendToTask(call: Call, view: View): Promise<Json> {
    const task = tasks.open(call.name, call.client);
    if (!task) throw RpcError.of(INVALID_PARAMS, 'Unknown task', { taskId: call.name });
    const handle = view.find(task.server);
    if (!handle) throw gone(task.server);
    const result = await handle(callWith(call, { name: task.taskId }));
    return tasks.restoreIn(
      uris.seen(result, view.ownerOf(task.server), view.catalog),
      task.taskId,
      call.name,
    );
  }

  async function listTasks(call: Call, view: View): Promise<Json> {
    const { taskServers } = view.catalog;
    if (taskServers.length === 0) throw unknownMethod(call);
    const servers = taskServers.flatMap((server) => (view.pool(server) ? view.membersOf(server) : [server]));
    const lists = await Promise.all(servers.map((server) => tasksOf(server, call, view)));
    return Json.fromText(`{"tasks":[${lists.flat().join(',')}]}`);
  }

  async function tasksOf(server: string, call: Call, view: View): Promise<string[]> {
    const found: string[] = [];
    let cursor: string | undefined;
    for (let page = 0; page < MAX_TASK_PAGES; page++) {
      const params = editObject(call.params.text, {
        cursor: cursor === undefined ? undefined : JSON.stringify(cursor),
      });
      const result = await view.find(server)?.({ ...call, params: Json.fromText(params) });
      const listed = elementTexts(memberText(result?.text ?? '{}', 'tasks') ?? '[]').map((text) =>
        Json.fromText(text),
      );
      found.push(...tasks.sealListed(listed, server, call.client, view.alone(server)));
      cursor = stringAt(result?.value, 'nextCursor');
      if (cursor === undefined) break;
    }
    return found;
  }

  /** A method that we do not know may be an extension's: the servers that announce any are asked in turn. */
  async function sendToExtension(call: Call, view: View): Promise<Json> {
    for (const server of view.catalog.extensionServers) {
      try {
        return await send(call, view, { server, originalName: call.name });
      } catch (error) {
        if (!(error instanceof RpcError) || error.code !== METHOD_NOT_FOUND) throw error;
      }
    }
    throw unknownMethod(call);
  }

  async function completionTarget(call: Call, view: View): Promise<Target> {
    const ref = at(call.params.value, 'ref');
    if (stringAt(ref, 'type') !== 'ref/resource') return routed(call, view, 'prompts');
    const { catalog } = view;
    const target = catalog.resourceTemplates.get(call.name)?.targets[0] ?? uris.find(call.name, catalog);
    if (!target) throw RpcError.of(INVALID_PARAMS, `Unknown resource: ${call.name}`);
    return target;
  }
}

/** Replaces names that a server gave by those that the client knows. */
class AsClientsKnow implements AnswerStep {
  readonly onError = rethrow;
  readonly #client: Client;
  readonly #view: View;
  readonly #server: string;
  readonly #uris: UriMemory;
  readonly #tasks: TaskIds;

  constructor(client: Client, view: View, server: string, uris: UriMemory, tasks: TaskIds) {
    this.#client = client;
    this.#view = view;
    this.#server = server;
    this.#uris = uris;
    this.#tasks = tasks;
  }

  onResult(result: Json): Json {
    const seen = this.#uris.seen(result, this.#view.ownerOf(this.#server), this.#view.catalog);
    return this.#tasks.sealIn(seen, this.#server, this.#client);
  }
}

async function routed(call: Call, view: View, kind: 'tools' | 'prompts'): Promise<Target> {
  const { name, method, params } = call;
  if (!view.catalog[kind].has(name)) await view.appears((catalog) => catalog[kind].has(name), call);
  const routes = view.catalog[kind];
  const target = routes.get(name)?.targets[0];
  if (target) return target;
  const what = kind === 'tools' ? 'tool' : 'prompt';
  if (nameOf(method, params) === undefined)
    throw RpcError.of(INVALID_PARAMS, `${method} needs the name of a ${what}`);
  const absent = view.absence(name);
  if (absent) throw unavailable(absent);
  const near = nearestNames(name, routes.keys(), NEAREST);
  const hint = near.length > 0 ? ` Did you mean ${near.map((one) => `"${one}"`).join(', ')}?` : '';
  throw RpcError.of(INVALID_PARAMS, `Unknown ${what}: "${name}".${hint}`);
}

function unavailable({ server, why }: { readonly server: string; readonly why: string }): ProxyError {
  const message = why.includes(`"${server}"`) ? why : `"${server}" is not available: ${why}`;
  return new ProxyError('DOWNSTREAM_UNAVAILABLE', { message, server, delivered: false });
}

function unknownMethod({ method }: Call): RpcError {
  return RpcError.of(METHOD_NOT_FOUND, `Unknown method: ${method}`);
}

function gone(server: string): ProxyError {
  return new ProxyError('DOWNSTREAM_UNAVAILABLE', {
    message: `"${server}" is no longer connected.`,
    server,
    delivered: false,
  });
}
