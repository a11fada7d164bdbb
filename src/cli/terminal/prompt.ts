/** Questions of servers, asked of the person at the terminal. */
import { createInterface, type Interface } from 'node:readline/promises';
import type { Question } from '../../core/call.ts';
import { METHOD_NOT_FOUND, RpcError } from '../../core/errors.ts';
import { exactNumber, printExact } from '../../json/exact-json.ts';
import { at, isObject, Json, type JsonObject, stringAt } from '../../json/json.ts';
import { plain } from './sanitize.ts';

/** The MCP client capabilities of a terminal. */
export const PROMPT_CAPABILITIES: JsonObject = { elicitation: { form: {}, url: {} } };

type Answer = { readonly action: 'accept' | 'decline' | 'cancel'; readonly content?: JsonObject };

export async function askAtPrompt({ method, params, signal }: Question): Promise<Json> {
  if (method !== 'elicitation/create') throw RpcError.of(METHOD_NOT_FOUND, `Nobody here answers ${method}`);
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  const stop = signal.onCancel(() => lines.close());
  try {
    const closed = new Promise<Answer>((resolve) => {
      lines.once('close', () => resolve({ action: 'cancel' })).once('SIGINT', () => lines.close());
    });
    return Json.of(await Promise.race([answered(params.exact, lines), closed]));
  } finally {
    stop();
    lines.close();
  }
}

async function answered(params: unknown, lines: Interface): Promise<Answer> {
  const message = plain(stringAt(params, 'message') ?? '');
  if (at(params, 'mode') === 'url') {
    const url = plain(stringAt(params, 'url') ?? '');
    const opened = await lines.question(`${message}\n  ${url}\nOpen it in a browser. Done? (y/n) `);
    return { action: isYes(opened) ? 'accept' : 'decline' };
  }
  process.stderr.write(`${message}\n`);
  const properties = at(params, 'requestedSchema', 'properties');
  const required = at(params, 'requestedSchema', 'required');
  const needed = new Set(Array.isArray(required) ? (required as unknown[]) : []);
  const content: [string, unknown][] = [];
  for (const [key, schema] of Object.entries(isObject(properties) ? properties : {})) {
    const value = await field(key, schema, needed.has(key), lines);
    if (value !== undefined) content.push([key, value]);
  }
  if (!isYes(await lines.question('Send this? (y/n) '))) return { action: 'decline' };
  return { action: 'accept', content: Object.fromEntries(content) };
}

/** Asks until the answer fits; an empty one leaves out what is not required, or takes the default. */
async function field(key: string, schema: unknown, isRequired: boolean, lines: Interface): Promise<unknown> {
  const options = at(schema, 'enum');
  const preset = at(schema, 'default');
  const hints = [
    plain(stringAt(schema, 'description') ?? ''),
    Array.isArray(options) ? options.map((option) => plain(String(option))).join(' | ') : '',
    preset === undefined ? '' : `default ${plain(printExact(preset))}`,
  ].filter((hint) => hint !== '');
  const title = plain(stringAt(schema, 'title') ?? key);
  for (;;) {
    const text = (
      await lines.question(`  ${title}${hints.length > 0 ? ` (${hints.join('; ')})` : ''}: `)
    ).trim();
    if (text === '' && preset !== undefined) return preset;
    if (text === '' && !isRequired) return undefined;
    const value = valueOf(text, at(schema, 'type'));
    if (value !== undefined && (!Array.isArray(options) || options.includes(value))) return value;
  }
}

/** As JSON writes it. */
const NUMBER = /^-?\d+(?:\.\d+)?(?:e[+-]?\d{1,3})?$/i;

/** @returns `undefined`: it is no such value. */
function valueOf(text: string, type: unknown): unknown {
  if (type === 'boolean') return isYes(text) || (/^(n|no|false)$/i.test(text) ? false : undefined);
  if (type === 'number' || type === 'integer') {
    const number = Number(text);
    if (!NUMBER.test(text) || (type === 'integer' && !Number.isInteger(number))) return undefined;
    return exactNumber(text);
  }
  return text === '' ? undefined : text;
}

function isYes(text: string): boolean {
  return /^(y|yes|true)$/i.test(text.trim());
}
