/**
 * One JSON-RPC 2.0 message: read from text without losing a byte of its params or result, and written back.
 */
import { INVALID_REQUEST, PARSE_ERROR } from '../core/errors.ts';
import { type Elided, hasElision, type MessageText } from '../json/elided.ts';
import { EMPTY_OBJECT, isObject, Json, quoted } from '../json/json.ts';
import { elementTexts, holdsMoreValues, objectMembers, type Span } from '../json/edit.ts';
import type { EncodedMessage } from '../json/message-text.ts';
import { readUsual } from './usual-message.ts';

/** An id or progress token as it stands in the text (`7`, `"a"`), so that it is echoed to the letter and `7` is not `"7"`. */
export type IdText = string;

export type Message =
  | { readonly kind: 'request'; readonly id: IdText; readonly method: string; readonly params: Json }
  | { readonly kind: 'notification'; readonly method: string; readonly params: Json }
  | { readonly kind: 'result'; readonly id: IdText; readonly result: Json }
  | { readonly kind: 'error'; readonly id: IdText | undefined; readonly error: Json }
  | Invalid;

/** A text that is no message; with the id, where one could be read, so that it can be answered. */
export interface Invalid {
  readonly kind: 'invalid';
  readonly id: IdText | undefined;
  readonly code: number;
  readonly reason: string;
  /** Over a limit of ours, not malformed. */
  readonly tooLarge: boolean;
  /** `true` where it looks like an answer: answering an answer would start a loop. */
  readonly answer: boolean;
  /** Surely a request or a notification: its id, if any, is the sender's own. */
  readonly hasMethod: boolean;
}

const KNOWN = ['jsonrpc', 'id', 'method', 'params', 'result', 'error'] as const;
type Known = (typeof KNOWN)[number];

/** The most values in one message of a client, and of a server that may not send more: half a second to parse at worst. */
const MAX_VALUES = 500_000;

/** Reads one message. Never throws. A batch (an array) is the caller's to split (`batchTexts`). */
export function readMessage(raw: MessageText, maxDepth: number, maxValues = MAX_VALUES): Message {
  if (typeof raw === 'string') return readText(raw, maxDepth, maxValues);
  return readElided(raw, maxDepth, maxValues) ?? readText(raw.whole, maxDepth, maxValues);
}

/** @returns `undefined` where the whole text has to be looked at: what is wrong, or where something short is long. */
function readElided(elided: Elided, maxDepth: number, maxValues: number): Message | undefined {
  const message = readText(elided.text, maxDepth, maxValues);
  const whole = ({ text, value }: Json): Json => Json.elided(elided.with(text, value));
  switch (message.kind) {
    case 'request':
      return elided.with(message.id).marked || hasElision(message.method)
        ? undefined
        : { ...message, params: whole(message.params) };
    case 'notification':
      return hasElision(message.method) ? undefined : { ...message, params: whole(message.params) };
    case 'result':
      return elided.with(message.id).marked ? undefined : { ...message, result: whole(message.result) };
    default:
      return undefined;
  }
}

function readText(raw: string, maxDepth: number, maxValues: number): Message {
  if (holdsMoreValues(raw, maxValues)) return beyond(raw, `more than ${maxValues} values in one message`);
  const usual = readUsual(raw, maxDepth);
  if (usual) return usual;
  const text = onOneLine(raw);
  const members = objectMembers(text, maxDepth);
  if (members === undefined) return whyNoObject(raw, maxDepth);
  let value: Readonly<Record<string, unknown>>;
  try {
    // As it came: a line break within a string is no JSON, and shall not become a blank.
    value = JSON.parse(raw) as Readonly<Record<string, unknown>>;
  } catch {
    return notJson(text, members);
  }
  const spans: Partial<Record<Known, Span>> = {};
  const doubled: Known[] = [];
  for (const span of members) {
    const known = KNOWN.find((key) => key === span.key);
    if (known === undefined) continue;
    if (spans[known]) doubled.push(known);
    spans[known] = span;
  }
  return classify(text, value, withoutNulls(spans, value), doubled);
}

/** Some JSON-RPC libraries send all members, `null` in those that do not apply. */
function withoutNulls(
  { params, result, error, ...rest }: Partial<Record<Known, Span>>,
  value: Readonly<Record<string, unknown>>,
): Partial<Record<Known, Span>> {
  const isAnswer = rest.method === undefined;
  return {
    ...rest,
    ...(params && value['params'] !== null && { params }),
    // An answer that says nothing else has a result of `null`.
    ...(result && (value['result'] !== null || (isAnswer && !isObject(value['error']))) && { result }),
    ...(error && (value['error'] !== null || (isAnswer && !result)) && { error }),
  };
}

const OPEN_OBJECT = 0x7b;
/** Nobody sends larger ones. */
const MAX_BATCH = 1000;

/** The messages of a batch; `undefined` where the text is no batch, or one that is empty or beyond any measure. */
export function batchTexts(text: MessageText, maxValues = MAX_VALUES): readonly string[] | undefined {
  // Elided are objects only.
  if (typeof text !== 'string') return undefined;
  if (text.charCodeAt(0) === OPEN_OBJECT || !/^\s*\[/.test(text)) return undefined;
  if (holdsMoreValues(text, maxValues)) return undefined;
  // Looked at before it is parsed: millions of elements would stop everything for seconds.
  const texts = elementTexts(text, MAX_BATCH + 1);
  if (texts.length === 0 || texts.length > MAX_BATCH) return undefined;
  try {
    JSON.parse(text);
  } catch {
    return undefined;
  }
  return texts;
}

/** Messages may travel on line by line. In JSON a line break stands between tokens only. */
function onOneLine(text: string): string {
  return text.includes('\n') || text.includes('\r') ? text.replaceAll(/[\r\n]+/g, ' ') : text;
}

function classify(
  text: string,
  value: Readonly<Record<string, unknown>>,
  spans: Partial<Record<Known, Span>>,
  doubled: readonly Known[],
): Message {
  const idType = spans.id && !doubled.includes('id') ? typeof value['id'] : undefined;
  const id = spans.id && (idType === 'string' || idType === 'number') ? cut(text, spans.id) : undefined;
  const answer = spans.method === undefined && (spans.result !== undefined || spans.error !== undefined);
  const hasMethod = spans.method !== undefined;
  const bad = (reason: string): Invalid => ({ ...invalid(INVALID_REQUEST, reason), id, answer, hasMethod });

  // A second "id" could make a message be one thing to us and another to the receiver.
  if (doubled[0]) return bad(`the key "${doubled[0]}" stands twice`);
  if (value['jsonrpc'] !== '2.0') return bad('"jsonrpc" is not "2.0"');
  if (spans.id && id === undefined && !(answer && value['id'] === null))
    return bad('"id" is neither string nor number');
  if (spans.method) {
    const { method } = value;
    if (typeof method !== 'string') return bad('"method" is not a string');
    if (spans.result || spans.error) return bad('a request with a result or an error');
    if (spans.params && !isObject(value['params'])) return bad('"params" is not an object');
    const params = spans.params ? Json.parsed(cut(text, spans.params), value['params']) : EMPTY_OBJECT;
    return id === undefined
      ? { kind: 'notification', method, params }
      : { kind: 'request', id, method, params };
  }
  if (spans.result && spans.error) return bad('both a result and an error');
  if (spans.error) {
    if (!isObject(value['error'])) return bad('"error" is not an object');
    return { kind: 'error', id, error: Json.parsed(cut(text, spans.error), value['error']) };
  }
  if (!spans.result) return bad('neither a method nor a result nor an error');
  if (id === undefined) return bad('a result without an id');
  return { kind: 'result', id, result: Json.parsed(cut(text, spans.result), value['result']) };
}

/** An answer that was cut short or garbled is still known by the id before the damage. */
function notJson(text: string, members: readonly Span[]): Invalid {
  const answer = !has(members, 'method') && (has(members, 'result') || has(members, 'error'));
  const id = answer ? plainId(text, members) : undefined;
  return { ...invalid(PARSE_ERROR, 'this is not JSON'), id, answer };
}

function whyNoObject(text: string, maxDepth: number): Invalid {
  if (objectMembers(text) !== undefined)
    return beyond(text, `nested deeper than ${maxDepth} levels (limits.depth)`);
  if (elementTexts(text, MAX_BATCH + 1).length > MAX_BATCH)
    return invalid(INVALID_REQUEST, `a batch of more than ${MAX_BATCH} messages`);
  try {
    JSON.parse(text);
  } catch {
    return invalid(PARSE_ERROR, 'this is not JSON');
  }
  return invalid(INVALID_REQUEST, 'a message is an object');
}

/** Over a limit: not parsed, but its id still tells whose it was. */
function beyond(text: string, reason: string): Invalid {
  const members = objectMembers(text) ?? [];
  const hasMethod = has(members, 'method');
  return {
    ...invalid(INVALID_REQUEST, reason),
    id: plainId(text, members),
    tooLarge: true,
    answer: members.length > 0 && !hasMethod,
    hasMethod,
  };
}

function has(members: readonly Span[], key: Known): boolean {
  return members.some((member) => member.key === key);
}

/** The id of a text that was not parsed: only where it is beyond doubt. */
function plainId(text: string, members: readonly Span[]): IdText | undefined {
  const [span, another] = members.filter(({ key }) => key === 'id');
  const id = span && !another ? cut(text, span) : '';
  return /^(?:-?\d+|"[^"\\]*")$/.test(id) ? id : undefined;
}

function invalid(code: number, reason: string): Invalid {
  return { kind: 'invalid', id: undefined, code, reason, tooLarge: false, answer: false, hasMethod: false };
}

function cut(text: string, span: Span): string {
  return text.slice(span.start, span.end);
}

/** `requestText` for a request that goes out as it is. */
export function encodeRequest(id: IdText | number, method: string, params: Json | undefined): EncodedMessage {
  if (params === undefined) return requestText(id, method, params);
  return wireOf(`{"jsonrpc":"2.0","id":${id},"method":${quoted(method)},"params":`, params);
}

export function requestText(id: IdText | number, method: string, params: Json | undefined): string {
  return params === undefined
    ? `{"jsonrpc":"2.0","id":${id},"method":${quoted(method)}}`
    : `{"jsonrpc":"2.0","id":${id},"method":${quoted(method)},"params":${params.text}}`;
}

export function notificationText(method: string, params: Json | undefined): string {
  return params === undefined
    ? `{"jsonrpc":"2.0","method":${quoted(method)}}`
    : `{"jsonrpc":"2.0","method":${quoted(method)},"params":${params.text}}`;
}

export function resultText(id: IdText, result: Json): string {
  return `{"jsonrpc":"2.0","id":${id},"result":${result.text}}`;
}

/** `resultText` for an answer that goes out as it is. */
export function encodeResult(id: IdText, result: Json): EncodedMessage {
  return wireOf(`{"jsonrpc":"2.0","id":${id},"result":`, result);
}

function wireOf(head: string, { wire }: Json): EncodedMessage {
  return typeof wire === 'string' ? `${head}${wire}}` : [head, ...wire, '}'];
}

export function encodeErrorText(id: IdText | undefined, error: Json): string {
  return `{"jsonrpc":"2.0","id":${id ?? 'null'},"error":${error.text}}`;
}
