/** Header fields: their grammar (RFC 9110, 5), as it is read and as it is checked before anything is written. */
import { MessageError } from './message-error.ts';

/** Header fields of a response by name in lower case. Responses with the same fields may share one object. */
export type ResponseHeaders = Readonly<Record<string, string | readonly string[] | undefined>>;

const NAME = /^[\w!#$%&'*+.^`|~-]+$/;
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

/** Tells whether a name and a value may be written: any other character could be read as the end of the field. */
export function isField(name: string, value: string): boolean {
  return NAME.test(name) && VALUE.test(value);
}

/** Name in lower case, and value. @throws MessageError */
export function readField(line: string): [string, string] {
  const colon = line.indexOf(':');
  const name = line.slice(0, Math.max(0, colon));
  const value = withoutBlanks(line, colon + 1);
  if (!isField(name, value)) throw new MessageError('a field that cannot be read');
  return [name.toLowerCase(), value];
}

/** `trim` would take away more than the two characters that HTTP counts as white space. */
function withoutBlanks(line: string, from: number): string {
  let [start, end] = [from, line.length];
  while (start < end && isBlank(line.charCodeAt(start))) start++;
  while (end > start && isBlank(line.charCodeAt(end - 1))) end--;
  return line.slice(start, end);
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09;
}
