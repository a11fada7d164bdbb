/** The text of a response as it is written: status line, header fields, chunks. */
import { STATUS_CODES } from 'node:http';
import { isField } from './fields.ts';

/** Header fields to write. The text of a frozen object is made once. */
export type HeaderFields = Readonly<Record<string, string>>;

export const CONTINUE = 'HTTP/1.1 100 Continue\r\n\r\n';
export const PROCESSING = 'HTTP/1.1 102 Processing\r\n\r\n';
export const LAST_CHUNK = '0\r\n\r\n';

export interface ResponseHeadText {
  readonly status: number;
  readonly fields: HeaderFields;
  /** Whole fields that say where the body and the connection end. */
  readonly framing: string;
  readonly connection: string;
}

/** @throws Error for a header field that HTTP does not allow. */
export function responseHead({ status, fields, framing, connection }: ResponseHeadText): string {
  return `${statusLine(status)}${fieldsText(fields)}${framing}date: ${dateNow()}\r\n${connection}\r\n`;
}

export function chunkText(text: string): string {
  return `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`;
}

/** A whole response to bytes that never became a request. The connection ends after it. */
export function finalResponse(status: number, body: string): string {
  const fields = `content-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n`;
  return `${statusLine(status)}${fields}date: ${dateNow()}\r\nconnection: close\r\n\r\n${body}`;
}

function statusLine(status: number): string {
  return `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n`;
}

const known = new WeakMap<HeaderFields, string>();
/** Head and body are written as one text, which is only possible where the head is ASCII. */
const ASCII = /^[\t\x20-\x7e]*$/;

function fieldsText(fields: HeaderFields): string {
  const before = known.get(fields);
  if (before !== undefined) return before;
  let text = '';
  for (const [name, value] of Object.entries(fields)) {
    if (!isField(name, value) || !ASCII.test(value))
      throw new Error(`the header field ${JSON.stringify(name)} cannot be written`);
    text += `${name}: ${value}\r\n`;
  }
  if (Object.isFrozen(fields)) known.set(fields, text);
  return text;
}

let second = 0;
let secondText = '';

function dateNow(): string {
  const now = Math.floor(Date.now() / 1000);
  if (now !== second) {
    second = now;
    secondText = new Date(now * 1000).toUTCString();
  }
  return secondText;
}
