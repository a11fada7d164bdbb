/** Arguments of a tool or a workflow as a user types them: `KEY=VALUE`, or one JSON text. */
import { readFile } from 'node:fs/promises';
import { text as textOf } from 'node:stream/consumers';
import { messageOf } from '../../core/errors.ts';
import { parseExact } from '../../json/exact-json.ts';
import { at, isObject, type JsonObject } from '../../json/json.ts';
import { asText } from '../../core/text-encoding.ts';
import { UsageError } from '../command.ts';

export interface TypedArguments {
  readonly pairs: readonly string[];
  /** JSON, `@FILE`, or `-` for stdin. */
  readonly json: string | undefined;
  /** The option that `json` came with, for errors. */
  readonly option: string;
}

/** The pairs win over the JSON. @param schema tells texts from numbers. @throws UsageError */
export async function readArguments(
  { pairs, json, option }: TypedArguments,
  schema: () => Promise<JsonObject | undefined>,
): Promise<JsonObject> {
  const given = json === undefined ? {} : await readJson(json, option);
  if (pairs.length === 0) return given;
  const properties = at(await schema(), 'properties');
  const entries = pairs.map((pair) => readPair(pair, properties));
  return Object.fromEntries([...Object.entries(given), ...entries]);
}

async function readJson(text: string, option: string): Promise<JsonObject> {
  const source = await sourceOf(text, option);
  try {
    const value = parseExact(asText(source));
    if (isObject(value)) return value;
  } catch (error) {
    throw new UsageError(`${option} expects a JSON object: ${messageOf(error)}.`);
  }
  throw new UsageError(`${option} expects a JSON object, like {"path": "/tmp"}.`);
}

async function sourceOf(text: string, option: string): Promise<string> {
  if (text === '-') return textOf(process.stdin);
  if (!text.startsWith('@')) return text;
  return readFile(text.slice(1), 'utf8').catch((error: unknown) => {
    throw new UsageError(`${option}: ${messageOf(error)}.`);
  });
}

function readPair(pair: string, properties: unknown): [string, unknown] {
  const split = pair.indexOf('=');
  if (split <= 0) throw new UsageError(`Expected KEY=VALUE, got "${pair}".`);
  const [key, text] = [pair.slice(0, split), pair.slice(split + 1)];
  const type =
    isObject(properties) && Object.hasOwn(properties, key) ? at(properties[key], 'type') : undefined;
  if (type === 'string') return [key, text];
  try {
    return [key, parseExact(text)];
  } catch {
    if (type === undefined || (Array.isArray(type) && type.includes('string'))) return [key, text];
    throw new UsageError(`${key} is to be ${JSON.stringify(type)}: "${text}" is none, written as JSON.`);
  }
}
