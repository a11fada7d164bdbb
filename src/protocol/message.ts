/**
 * One JSON-RPC 2.0 message: read from text without losing a byte of its params or result, and written back.
 */
import { INVALID_REQUEST, PARSE_ERROR } from '../core/errors.ts';
import { EMPTY_OBJECT, isObject, Json } from '../core/json.ts';
import { membersOf, type Span } from '../core/json-edit.ts';

/** An id or progress token as it stands in the text (`7`, `"a"`), so that it is echoed to the letter and `7` is not `"7"`. */
export type IdText = string;

export type Message =
  | { readonly kind: 'request'; readonly id: IdText; readonly method: string; readonly params: Json }
  | { readonly kind: 'notification'; readonly method: string; readonly params: Json }
  | { readonly kind: 'result'; readonly id: IdText; readonly result: Json }
  | { readonly kind: 'error'; readonly id: IdText | undefined; readonly error: Json }
  | Invalid;

/** What cannot be taken as a message; with the id, where one could be read, so that it can be answered. */
export interface Invalid {
  readonly kind: 'invalid';
  readonly id: IdText | undefined;
  readonly code: number;
  readonly reason: string;
  /** Over a limit of ours, not malformed. */
  readonly tooDeep: boolean;
  /** `true` where it looks like an answer: answering an answer would start a loop. */
  readonly answer: boolean;
}

const KNOWN = ['jsonrpc', 'id', 'method', 'params', 'result', 'error'] as const;
type Known = (typeof KNOWN)[number];

/** Reads one message. Never throws. A batch (an array) is the caller's to split (`elementTexts`). */
export function readMessage(raw: string, maxDepth: number): Message {
  const text = onOneLine(raw);
  const members = membersOf(text, maxDepth);
  if (members === undefined) return whyNoObject(text, maxDepth);
  let value: Readonly<Record<string, unknown>>;
  try {
    value = JSON.parse(text) as Readonly<Record<string, unknown>>;
  } catch {
    return invalid(PARSE_ERROR, 'this is not JSON');
  }
  const spans: Partial<Record<Known, Span>> = {};
  for (const span of members) {
    const known = KNOWN.find((key) => key === span.key);
    if (known === undefined) continue;
    // A second "id" could make a message be one thing to us and another to the receiver.
    if (spans[known]) return invalid(INVALID_REQUEST, `the key "${known}" stands twice`);
    spans[known] = span;
  }
  return classify(text, value, spans);
}

/** What travels on may travel line by line. In JSON a line break stands between tokens only. */
function onOneLine(text: string): string {
  return text.includes('\n') || text.includes('\r') ? text.replaceAll(/[\r\n]+/g, ' ') : text;
}

function classify(
  text: string,
  value: Readonly<Record<string, unknown>>,
  spans: Partial<Record<Known, Span>>,
): Message {
  const idType = spans.id ? typeof value['id'] : undefined;
  const id = spans.id && (idType === 'string' || idType === 'number') ? cut(text, spans.id) : undefined;
  const answer = spans.method === undefined && (spans.result !== undefined || spans.error !== undefined);
  const bad = (reason: string): Invalid => ({ ...invalid(INVALID_REQUEST, reason), id, answer });

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

function whyNoObject(text: string, maxDepth: number): Invalid {
  const members = membersOf(text);
  if (members !== undefined) {
    const id = members.find(({ key }) => key === 'id');
    const idText = id && cut(text, id);
    return {
      ...invalid(INVALID_REQUEST, `nested deeper than ${maxDepth} levels`),
      id: idText !== undefined && /^(?:-?\d+|"[^"\\]*")$/.test(idText) ? idText : undefined,
      tooDeep: true,
      answer: !members.some(({ key }) => key === 'method'),
    };
  }
  try {
    JSON.parse(text);
  } catch {
    return invalid(PARSE_ERROR, 'this is not JSON');
  }
  return invalid(INVALID_REQUEST, 'a message is an object');
}

function invalid(code: number, reason: string): Invalid {
  return { kind: 'invalid', id: undefined, code, reason, tooDeep: false, answer: false };
}

function cut(text: string, span: Span): string {
  return text.slice(span.start, span.end);
}

export function requestText(id: IdText | number, method: string, params: Json | undefined): string {
  return params === undefined
    ? `{"jsonrpc":"2.0","id":${id},"method":${JSON.stringify(method)}}`
    : `{"jsonrpc":"2.0","id":${id},"method":${JSON.stringify(method)},"params":${params.text}}`;
}

export function notificationText(method: string, params: Json | undefined): string {
  return params === undefined
    ? `{"jsonrpc":"2.0","method":${JSON.stringify(method)}}`
    : `{"jsonrpc":"2.0","method":${JSON.stringify(method)},"params":${params.text}}`;
}

export function resultText(id: IdText, result: Json): string {
  return `{"jsonrpc":"2.0","id":${id},"result":${result.text}}`;
}

export function errorText(id: IdText | undefined, error: Json): string {
  return `{"jsonrpc":"2.0","id":${id ?? 'null'},"error":${error.text}}`;
}
