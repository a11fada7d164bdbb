/** The text of a request's head as it is written. */
import { isField } from './fields.ts';

const TARGET = /^[\x21-\x7e]+$/;

export interface RequestHeadText {
  readonly text: string;
  /** Characters beyond ASCII are written as Latin-1, a body as UTF-8: only an ASCII head can be written with a body. */
  readonly ascii: boolean;
}

export interface RequestLine {
  readonly method: string;
  readonly path: string;
  /** The value of `Host`. */
  readonly host: string;
}

/**
 * A head but for the length of its body and its empty line.
 *
 * @param fields names and values in turn. The same array is looked at once.
 * @returns `undefined` where something in the path or the fields would break the head.
 */
export function requestHead(
  { method, path, host }: RequestLine,
  fields: readonly string[],
): RequestHeadText | undefined {
  const written = fieldsOf(fields);
  if (!written || !TARGET.test(path)) return undefined;
  const text = `${method} ${path} HTTP/1.1\r\nhost: ${host}\r\n${written.text}`;
  return { text, ascii: written.ascii };
}

const known = new WeakMap<readonly string[], RequestHeadText>();

function fieldsOf(fields: readonly string[]): RequestHeadText | undefined {
  const before = known.get(fields);
  if (before) return before;
  let text = 'connection: keep-alive\r\n';
  for (let i = 0; i < fields.length; i += 2) {
    const [name = '', value = ''] = [fields[i], fields[i + 1]];
    if (!isField(name, value)) return undefined;
    text += `${name}: ${value}\r\n`;
  }
  const made = { text, ascii: !/[\x80-\xff]/.test(text) };
  known.set(fields, made);
  return made;
}
