/** What clients are told beside their answers, and what servers are told because of it: tasks, log levels. */
import type { AttachedClient } from './attached-client.ts';
import { type Json, stringAt } from '../json/json.ts';
import type { Downstream } from '../downstream/downstream.ts';
import type { ServerSet } from './server-set.ts';
import { LOG_LEVELS } from '../protocol/revisions.ts';
import type { TaskIds } from '../routing/task-ids.ts';

export interface ClientNotificationsOptions {
  readonly tasks: TaskIds;
  readonly attached: () => Iterable<AttachedClient>;
  readonly serverSets: () => Iterable<ServerSet>;
}

export class ClientNotifications {
  readonly #options: ClientNotificationsOptions;

  constructor(options: ClientNotificationsOptions) {
    this.#options = options;
  }

  tell(clientId: string, method: string, params: Json): void {
    for (const { member } of this.#options.attached())
      if (member.client.id === clientId) member.notify(method, params);
  }

  /** What is about a task goes to the client that holds it, under the id that it knows, if that connection serves it. */
  taskChanged(server: string, method: string, params: Json, downstream: Downstream): void {
    const { tasks, attached } = this.#options;
    const taskId = stringAt(params.value, 'taskId');
    if (taskId === undefined) return;
    const told = new Set<string>();
    for (const { member, serverSet } of attached()) {
      const { id } = member.client;
      if (told.has(id) || serverSet.downstreamOf(server) !== downstream) continue;
      const held = tasks.heldBy(id, server, taskId);
      if (held === undefined) continue;
      told.add(id);
      this.tell(id, method, tasks.restoreIn(params, taskId, held));
    }
  }

  watchTask({ member, serverSet }: AttachedClient, sealed: string, watch: boolean): void {
    const task = this.#options.tasks.open(sealed, member.client);
    const downstream = task && serverSet.find(task.server)?.downstream;
    if (!downstream) return;
    if (watch) downstream.watchTask(task.taskId);
    else downstream.unwatchTask(task.taskId);
  }

  /** A server is told the least severe level that any client wants; each client gets what it asked for. */
  setLogLevel(attached: AttachedClient, level: string | undefined): void {
    if (attached.logLevel === level) return;
    attached.logLevel = level;
    const least = this.leastLogLevel;
    if (least === undefined) return;
    for (const serverSet of this.#options.serverSets())
      for (const downstream of serverSet.downstreams) downstream.setLogLevel(least);
  }

  get leastLogLevel(): string | undefined {
    const wanted = new Set([...this.#options.attached()].map(({ logLevel }) => logLevel));
    return LOG_LEVELS.find((level) => wanted.has(level));
  }
}
