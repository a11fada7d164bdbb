/** Bodies of responses: which one answers our request, and what an error in it means together with the status. */
import type { MessageText } from '../../json/elided.ts';
import { METHOD_NOT_FOUND } from '../../core/errors.ts';
import { elementTexts, objectMembers } from '../../json/edit.ts';
import { isObject } from '../../json/json.ts';

/**
 * Tells whether the message answers our request. Most servers print it in one of two orders, which two
 * comparisons tell; for the rest the text's own members are looked at.
 */
export function isAnswerTo(message: MessageText, id: number): boolean {
  const text = typeof message === 'string' ? message : message.text;
  // Cut short on the way: whoever parses it will see, but it must not count as the answer.
  if (!text.trimEnd().endsWith('}')) return false;
  const start = `{"jsonrpc":"2.0","id":${id},"`;
  if (text.startsWith(start))
    return text.startsWith('result"', start.length) || text.startsWith('error"', start.length);
  if ((text.startsWith('{"result"') || text.startsWith('{"error"')) && text.endsWith(`,"id":${id}}`))
    return true;
  const members = objectMembers(text);
  if (!members || members.some(({ key }) => key === 'method')) return false;
  const found = members.findLast(({ key }) => key === 'id');
  return found !== undefined && text.slice(found.start, found.end) === String(id);
}

/** The messages of a batch (2025-03-26); `undefined` where the text is a single message. */
export function batchIn(text: MessageText): readonly string[] | undefined {
  return typeof text === 'string' && /^\s*\[/.test(text) ? elementTexts(text) : undefined;
}

interface RpcErrorText {
  readonly id: unknown;
  readonly code: number;
  readonly message: string;
}

/** A JSON-RPC error message, as servers send it along with a status. */
export function rpcErrorIn(text: string): RpcErrorText | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!isObject(parsed) || !Object.hasOwn(parsed, 'error')) return undefined;
  const error = parsed['error'];
  if (!isObject(error) || typeof error['code'] !== 'number') return undefined;
  const message = typeof error['message'] === 'string' ? error['message'] : '';
  return { id: Object.hasOwn(parsed, 'id') ? parsed['id'] : null, code: error['code'], message };
}

/** Tells whether the error message counts more than the status, which it does not where the status asks us to act. */
export function speaksForItself(status: number, answer: RpcErrorText, id: number): boolean {
  if (status === 401 || status === 403 || status === 407 || status === 429 || status === 503) return false;
  if (answer.id === id) return true;
  if (answer.id !== null && answer.id !== undefined) return false;
  // Without our id these two are about the address, unless they name the method.
  if (status === 404 || status === 405) return answer.code === METHOD_NOT_FOUND;
  // And a 5xx is as likely the word of something on the way.
  return status < 500;
}
