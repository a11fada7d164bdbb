/** Log messages of downstreams, filtered by the level that a client wants. */
import { at, type Json } from '../json/json.ts';
import { LOG_LEVELS } from '../protocol/revisions.ts';

/** The notification goes to a client that wants messages from level `wanted` on; `undefined`: all of them. */
export function wantsLogLevel(method: string, params: Json, wanted: string | undefined): boolean {
  if (method !== 'notifications/message' || wanted === undefined) return true;
  const level = LOG_LEVELS.indexOf(String(at(params.value, 'level')));
  return level < 0 || level >= LOG_LEVELS.indexOf(wanted);
}
