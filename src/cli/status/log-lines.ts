/** Lines of the log, as JSON, for people. */
import { isObject, type JsonObject, stringAt } from '../../json/json.ts';
import type { Colors } from '../terminal/output.ts';

export function concerns(line: string, server: string): boolean {
  return stringAt(parsed(line), 'server') === server;
}

/** `12:00:01 warn  memory  did not start (why: …)`; a line that is none of ours stays as it is. */
export function readable(line: string, colors: Colors): string {
  const facts = parsed(line);
  const level = stringAt(facts, 'level');
  if (!facts || level === undefined) return line;
  const { time, server, msg, line: said, level: _, ...rest } = facts;
  const paint = level === 'error' ? colors.red : level === 'warn' ? colors.yellow : colors.dim;
  const words = [
    colors.dim(textOf(time).slice(11, 19)),
    paint(level.padEnd(5)),
    ...(server === undefined ? [] : [colors.cyan(textOf(server))]),
    said === undefined ? textOf(msg) : `| ${textOf(said)}`,
  ];
  const more = Object.entries(rest).map(([key, value]) => `${key}: ${textOf(value)}`);
  return words.join(' ') + (more.length > 0 ? colors.dim(` (${more.join(', ')})`) : '');
}

function parsed(line: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
