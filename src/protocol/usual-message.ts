/**
 * Reads messages that are spelt as nearly all are: the members in one of two orders, no white space between them, a
 * number for an id. Whatever is spelt otherwise is left to the one that reads everything.
 *
 * What surrounds the params or the result is compared; these are read over, and are exactly one object. So the two
 * make up the whole message, and no key can stand twice in it.
 */
import { Json } from '../json/json.ts';
import { scanObject } from '../json/scan.ts';

/** One of the three, as `Message` has them. */
export type Usual =
  | { readonly kind: 'request'; readonly id: string; readonly method: string; readonly params: Json }
  | { readonly kind: 'notification'; readonly method: string; readonly params: Json }
  | { readonly kind: 'result'; readonly id: string; readonly result: Json };

const HEAD = '{"jsonrpc":"2.0","id":';
const TAIL = ',"jsonrpc":"2.0","id":';
const RESULT = ',"result":';
const METHOD = ',"method":"';
const PARAMS = '","params":';
/** Nearly all requests. */
const CALL = `${METHOD}tools/call${PARAMS}`;
const RESULT_FIRST = '{"result":';
const NOTIFICATION = '{"jsonrpc":"2.0","method":"';
const METHOD_FIRST = '{"method":"';
const LONGEST_ID = 15;
const LONGEST_METHOD = 64;

/** @returns `undefined` where it is spelt in another way, or is no message at all. */
export function readUsual(text: string, maxDepth: number): Usual | undefined {
  if (text.startsWith(HEAD)) return idFirst(text, maxDepth);
  if (text.startsWith(NOTIFICATION)) return notification(text, maxDepth);
  if (text.startsWith(RESULT_FIRST)) {
    const tail = tailOf(text);
    return tail && result(tail.id, text, RESULT_FIRST.length, tail.start, maxDepth);
  }
  if (!text.startsWith(METHOD_FIRST)) return undefined;
  const method = methodAt(text, METHOD_FIRST.length);
  const tail = method === undefined ? undefined : tailOf(text);
  if (method === undefined || !tail) return undefined;
  const start = METHOD_FIRST.length + method.length + PARAMS.length;
  return request(tail.id, method, text, start, tail.start, maxDepth);
}

function idFirst(text: string, maxDepth: number): Usual | undefined {
  const idEnd = digitsEnd(text, HEAD.length);
  if (!isId(text, HEAD.length, idEnd) || !text.endsWith('}')) return undefined;
  const id = text.slice(HEAD.length, idEnd);
  const end = text.length - 1;
  if (text.startsWith(RESULT, idEnd)) return result(id, text, idEnd + RESULT.length, end, maxDepth);
  if (text.startsWith(CALL, idEnd))
    return request(id, 'tools/call', text, idEnd + CALL.length, end, maxDepth);
  if (!text.startsWith(METHOD, idEnd)) return undefined;
  const from = idEnd + METHOD.length;
  const method = methodAt(text, from);
  if (method === undefined) return undefined;
  return request(id, method, text, from + method.length + PARAMS.length, end, maxDepth);
}

/** No id can hide in it: between the method and the end there is one object. */
function notification(text: string, maxDepth: number): Usual | undefined {
  const method = methodAt(text, NOTIFICATION.length);
  if (method === undefined || !text.endsWith('}')) return undefined;
  const start = NOTIFICATION.length + method.length + PARAMS.length;
  const json = objectIn(text, start, text.length - 1, maxDepth);
  return json && { kind: 'notification', method, params: json };
}

function result(id: string, text: string, from: number, to: number, maxDepth: number): Usual | undefined {
  const json = objectIn(text, from, to, maxDepth);
  return json && { kind: 'result', id, result: json };
}

function request(
  id: string,
  method: string,
  text: string,
  from: number,
  to: number,
  maxDepth: number,
): Usual | undefined {
  const json = objectIn(text, from, to, maxDepth);
  return json && { kind: 'request', id, method, params: json };
}

/** The method that begins here, if params follow it. */
function methodAt(text: string, from: number): string | undefined {
  const end = text.indexOf('"', from);
  if (end < 0 || end - from > LONGEST_METHOD || !text.startsWith(PARAMS, end)) return undefined;
  const method = text.slice(from, end);
  return /^[\w/$.-]+$/.test(method) ? method : undefined;
}

/** The id that closes a message, and where what precedes it ends. */
function tailOf(text: string): { readonly id: string; readonly start: number } | undefined {
  const start = text.lastIndexOf(TAIL);
  if (start < 0 || text.length - start > TAIL.length + LONGEST_ID + 1 || !text.endsWith('}'))
    return undefined;
  const from = start + TAIL.length;
  const end = text.length - 1;
  if (digitsEnd(text, from) !== end || !isId(text, from, end)) return undefined;
  return { id: text.slice(from, end), start };
}

/** These digits are an id as our own and nearly all others are: no leading zero, and not too many. */
function isId(text: string, from: number, to: number): boolean {
  const length = to - from;
  return length > 0 && length <= LONGEST_ID && (length === 1 || text.charCodeAt(from) !== ZERO);
}

function digitsEnd(text: string, from: number): number {
  let i = from;
  for (; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c < ZERO || c > NINE) break;
  }
  return i;
}

const ZERO = 0x30;
const NINE = 0x39;

/** The text that stands here, if it is one object. */
function objectIn(text: string, from: number, to: number, maxDepth: number): Json | undefined {
  // The message itself is one level.
  const places = scanObject(text, from, to, maxDepth - 1);
  return places && Json.scanned(text.slice(from, to), places);
}
