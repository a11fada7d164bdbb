/**
 * Task ids as clients see them: sealed, so that they lead back to the right server and to nobody else's task.
 */
import type { Client } from '../core/call.ts';
import { type Json, stringAt } from '../core/json.ts';
import { editAt } from '../core/json-edit.ts';
import { META_RELATED_TASK } from '../protocol/revisions.ts';
import type { Sealer } from '../protocol/seal.ts';

/** A task's own time to live is the server's business; its id stays good at least this long. */
const TTL_MS = 30 * 24 * 3600 * 1000;
/** How many tasks are remembered for their notifications. */
const MAX_OWNERS = 20_000;

export interface TaskIds {
  /** A new task in a result gets a sealed id. */
  sealIn(result: Json, server: string, client: Client): Json;
  /** The ids in a result about a known task read as the client knows them. */
  restoreIn(result: Json, taskId: string, sealed: string): Json;
  /** Of a server's listed tasks the client's own, with the ids it knows; all of them where the server is its alone. */
  sealListed(tasks: readonly Json[], server: string, client: Client, alone: boolean): string[];
  open(sealed: string, client: Client): { readonly server: string; readonly taskId: string } | undefined;
  /**
   * Who holds a server's task, under which id; `undefined` for tasks of another process's clients.
   *
   * @param clientId whose own connection told of the task: other clients' may use the same ids.
   */
  ownerOf(
    server: string,
    taskId: string,
    clientId?: string,
  ): { readonly clientId: string; readonly sealed: string } | undefined;
}

export function taskIds(sealer: Sealer): TaskIds {
  const owners = new Map<string, { clientId: string; sealed: string }>();
  const remember = (key: string, owner: { clientId: string; sealed: string }): void => {
    const oldest = owners.size >= MAX_OWNERS ? owners.keys().next().value : undefined;
    if (oldest !== undefined) owners.delete(oldest);
    owners.set(key, owner);
  };

  return {
    sealIn(result, server, client) {
      const path = createdAt(result);
      if (!path) return result;
      const taskId = stringAt(result.at(...path.slice(0, -1)), 'taskId') ?? '';
      const context = { clientId: client.id, purpose: 'task' };
      const sealed = sealer.seal([server, taskId], context, TTL_MS);
      for (const key of [ownerKey(server, taskId), ownerKey(server, taskId, client.id)])
        remember(key, { clientId: client.id, sealed });
      return replaceIds(result, taskId, sealed);
    },
    sealListed(tasks, server, client, alone) {
      return tasks.flatMap((task) => {
        const taskId = stringAt(task.value, 'taskId');
        if (taskId === undefined) return [];
        const owner = owners.get(ownerKey(server, taskId, alone ? client.id : undefined));
        if (owner ? owner.clientId !== client.id : !alone) return [];
        const sealed =
          owner?.sealed ?? sealer.seal([server, taskId], { clientId: client.id, purpose: 'task' }, TTL_MS);
        return [replaceIds(task, taskId, sealed).text];
      });
    },
    restoreIn: replaceIds,
    open(sealed, client) {
      const opened = sealer.open(sealed, { clientId: client.id, purpose: 'task' });
      if (!Array.isArray(opened)) return undefined;
      const [server, taskId] = opened as [string, string];
      return { server, taskId };
    },
    ownerOf: (server, taskId, clientId) => owners.get(ownerKey(server, taskId, clientId)),
  };
}

function ownerKey(server: string, taskId: string, clientId?: string): string {
  return JSON.stringify([server, taskId, clientId]);
}

/** Where a result says that it made a task: nested in the legacy form, flat in the modern extension's. */
function createdAt(result: Json): readonly string[] | undefined {
  if (stringAt(result.at('task'), 'taskId') !== undefined) return ['task', 'taskId'];
  const flat = result.at('resultType') === 'task' && result.stringAt('taskId') !== undefined;
  return flat ? ['taskId'] : undefined;
}

const ID_PATHS: readonly (readonly string[])[] = [
  ['taskId'],
  ['task', 'taskId'],
  ['_meta', META_RELATED_TASK, 'taskId'],
];

/** Every place of a result or of notification params that names the task. */
function replaceIds(json: Json, from: string, to: string): Json {
  const places = ID_PATHS.filter((path) => json.at(...path) === from);
  const spelt = JSON.stringify(to);
  return json.edit((text) => places.reduce((before, path) => editAt(before, path, () => spelt), text));
}
