/** Log messages of downstreams, as much of them as a client wants. */
import { at, type Json } from '../json/json.ts';
import { LOG_LEVELS } from '../protocol/revisions.ts';

/** Whether a notification goes to a client that wants messages from `wanted` on; `undefined`: it has not said. */
export function wantsLogLevel(method: string, params: Json, wanted: string | undefined): boolean {
  if (method !== 'notifications/message' || wanted === undefined) return true;
  const level = LOG_LEVELS.indexOf(String(at(params.value, 'level')));
  return level < 0 || level >= LOG_LEVELS.indexOf(wanted);
}
