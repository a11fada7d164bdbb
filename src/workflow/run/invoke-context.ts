/** The surroundings of a call of a tool: the step that makes it, and the ways to do so. */
import { createHash } from 'node:crypto';
import { printExact } from '../../json/exact-json.ts';
import type { JsonObject } from '../../json/json.ts';
import type { Host } from './host.ts';
import type { Port } from './port.ts';

export interface InvokeContext {
  readonly host: Host;
  readonly port: Port;
  /** The beginning of the call's keys: `close[3]`, or `undo:close[3]`. */
  readonly base: string;
  /** The step's name for people. */
  readonly step: string;
  readonly scope: JsonObject;
  /** Called with each attempt, and with each reason to wait. */
  readonly watch: (state: 'running' | 'waiting' | 'in_doubt') => void;
}

/** Stands for arguments on record: the record says whether two calls were the same, and shows no values. */
export function argumentsHash(value: unknown): string {
  return createHash('sha256')
    .update(printExact(value) ?? '')
    .digest('base64url')
    .slice(0, 22);
}
