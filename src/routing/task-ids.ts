/**
 * Task ids as clients see them: sealed, so that they lead back to the right server and to nobody else's task.
 */
import type { Client } from '../core/call.ts';
import { type Json, stringAt } from '../json/json.ts';
import { editAt } from '../json/edit.ts';
import { META_RELATED_TASK } from '../protocol/revisions.ts';
import type { Sealer } from '../protocol/seal.ts';

/** A task's own time to live is the server's business; its id stays good at least this long. */
const TTL_MS = 30 * 24 * 3600 * 1000;
/** Tasks beyond this number are not remembered for their notifications. */
const MAX_HELD = 20_000;

export interface TaskIds {
  /** A new task in a result gets a sealed id. */
  sealIn(result: Json, server: string, client: Client): Json;
  /** The ids in a result about a known task read as the client knows them. */
  restoreIn(result: Json, taskId: string, sealed: string): Json;
  /** Keeps the client's own tasks of a server's list, under the ids it knows; all where the server is its alone. */
  sealListed(tasks: readonly Json[], server: string, client: Client, alone: boolean): string[];
  open(sealed: string, client: Client): { readonly server: string; readonly taskId: string } | undefined;
  /** The id under which a client holds a server's task; `undefined`: it does not. */
  heldBy(clientId: string, server: string, taskId: string): string | undefined;
}

export function taskIds(sealer: Sealer): TaskIds {
  /** The sealed ids, by server, task and client: the connections of different clients may use the same ids. */
  const held = new Map<string, string>();
  const remember = (key: string, sealed: string): void => {
    const oldest = held.size >= MAX_HELD ? held.keys().next().value : undefined;
    if (oldest !== undefined) held.delete(oldest);
    held.set(key, sealed);
  };

  return {
    sealIn(result, server, client) {
      const path = createdAt(result);
      if (!path) return result;
      const taskId = stringAt(result.at(...path.slice(0, -1)), 'taskId') ?? '';
      const context = { clientId: client.id, purpose: 'task' };
      const sealed = sealer.seal([server, taskId], context, TTL_MS);
      remember(heldKey(client.id, server, taskId), sealed);
      return replaceIds(result, taskId, sealed);
    },
    sealListed(tasks, server, client, alone) {
      return tasks.flatMap((task) => {
        const taskId = stringAt(task.value, 'taskId');
        if (taskId === undefined) return [];
        const known = held.get(heldKey(client.id, server, taskId));
        if (known === undefined && !alone) return [];
        const sealed =
          known ?? sealer.seal([server, taskId], { clientId: client.id, purpose: 'task' }, TTL_MS);
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
    heldBy: (clientId, server, taskId) => held.get(heldKey(clientId, server, taskId)),
  };
}

function heldKey(clientId: string, server: string, taskId: string): string {
  return JSON.stringify([clientId, server, taskId]);
}

/** The place of a new task in a result: nested in the legacy form, flat in the modern extension's. */
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
