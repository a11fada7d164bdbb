/** Notifications to clients about tasks and elicitations, and the log level that servers are told for all clients. */
import type { AttachedClient } from './attached-client.ts';
import { type Json, stringAt } from '../../json/json.ts';
import type { Downstream } from '../../downstream/downstream.ts';
import type { ServerSet } from '../server-set/server-set.ts';
import { LOG_LEVELS } from '../../protocol/revisions.ts';
import type { TaskIds } from '../../routing/task-ids.ts';

export interface ClientNotificationsOptions {
  readonly tasks: TaskIds;
  readonly clients: ReadonlyMap<string, AttachedClient>;
}

export class ClientNotifications {
  readonly #options: ClientNotificationsOptions;

  constructor(options: ClientNotificationsOptions) {
    this.#options = options;
  }

  /** A matter that a client was asked to see to elsewhere is done. */
  elicitationCompleted(clientId: string, params: Json): void {
    this.#tell(clientId, 'notifications/elicitation/complete', params);
  }

  /** A task's notification goes to the client that holds the task, under the id known there, if it uses this connection. */
  taskChanged(server: string, method: string, params: Json, downstream: Downstream): void {
    const { tasks, clients } = this.#options;
    const taskId = stringAt(params.value, 'taskId');
    if (taskId === undefined) return;
    const told = new Set<string>();
    for (const { handle, serverSet } of clients.values()) {
      const { id } = handle.client;
      if (told.has(id) || serverSet.downstreamOf(server) !== downstream) continue;
      const held = tasks.heldBy(id, server, taskId);
      if (held === undefined) continue;
      told.add(id);
      this.#tell(id, method, tasks.restoreIn(params, taskId, held));
    }
  }

  watchTask({ handle, serverSet }: AttachedClient, sealed: string, watch: boolean): void {
    const task = this.#options.tasks.open(sealed, handle.client);
    const downstream = task && serverSet.find(task.server)?.downstream;
    if (!downstream) return;
    if (watch) downstream.watchTask(task.taskId);
    else downstream.unwatchTask(task.taskId);
  }

  /** A server is told the least severe level that any client wants; each client gets what it asked for. */
  setLogLevel(attached: AttachedClient, level: string, serverSets: Iterable<ServerSet>): void {
    if (attached.logLevel === level) return;
    attached.logLevel = level;
    const least = this.leastLogLevel;
    if (least === undefined) return;
    for (const serverSet of serverSets)
      for (const downstream of serverSet.downstreams) downstream.setLogLevel(least);
  }

  get leastLogLevel(): string | undefined {
    const wanted = new Set([...this.#options.clients.values()].map(({ logLevel }) => logLevel));
    return LOG_LEVELS.find((level) => wanted.has(level));
  }

  #tell(clientId: string, method: string, params: Json): void {
    for (const { handle } of this.#options.clients.values())
      if (handle.client.id === clientId) handle.notify(method, params);
  }
}
