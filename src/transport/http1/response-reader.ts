/** Reads the responses of a server, one for each request that was written. */
import { readField, type ResponseHeaders } from './fields.ts';
import { type Framing, framingOf, saysClose } from './framing.ts';
import { MessageError } from './message-error.ts';
import { MessageReader } from './message-reader.ts';

export interface ResponseEvents {
  head(status: number, headers: ResponseHeaders): void;
  data(chunk: Buffer): void;
  /** @param keeps whether the connection may take another request. */
  end(keeps: boolean): void;
}

const MAX_FIELDS = 512;
/** Some servers pad the size with spaces. */
const SIZE_LINE = /^([\da-fA-F]{1,12})[ \t]*(?:;[\t\x20-\x7e\x80-\xff]*)?$/;
const STATUS_LINE = /^HTTP\/1\.([01]) ([1-9]\d\d)(?: [\t\x20-\x7e\x80-\xff]*)?$/;

interface ResponseHead {
  readonly status: number;
  readonly headers: ResponseHeaders;
  readonly framing: Framing;
  readonly keeps: boolean;
}

export class ResponseReader extends MessageReader {
  readonly #events: ResponseEvents;
  #head: ResponseHead = { status: 0, headers: {}, framing: 0, keeps: false };

  constructor(events: ResponseEvents) {
    super(SIZE_LINE, false);
    this.#events = events;
  }

  /** The server has closed the connection. @throws Error in the middle of a response. */
  close(): void {
    if (this.endsWithConnection) this.finish(true);
    else if (!this.isIdle) throw new Error('other side closed');
  }

  protected override readHead(text: string): Framing | undefined {
    const head = parsed(text);
    if (head) this.#head = head;
    return head?.framing;
  }

  protected override begun(): void {
    this.#events.head(this.#head.status, this.#head.headers);
  }

  protected override data(part: Buffer): void {
    this.#events.data(part);
  }

  protected override ended(early: boolean): void {
    this.#events.end(this.#head.keeps && !early);
  }

  protected override early(): never {
    throw new MessageError('bytes that belong to no response');
  }
}

/** @returns `undefined` for an interim response (1xx), which has nothing of use. @throws MessageError */
function parsed(text: string): ResponseHead | undefined {
  const lines = text.split('\r\n');
  const [, minor, digits] = STATUS_LINE.exec(lines[0] as string) ?? [];
  if (digits === undefined) throw new MessageError('no status line');
  if (lines.length > MAX_FIELDS) throw new MessageError('too many fields');
  const status = Number(digits);
  const headers = fields(lines);
  // Nobody has asked for another protocol.
  if (status === 101) throw new MessageError('another protocol');
  if (status < 200) return undefined;
  const keeps = minor === '1' && !saysClose(headers['connection']);
  const bodiless = status === 204 || status === 304;
  const framing = bodiless
    ? 0
    : (framingOf(headers['content-length'], headers['transfer-encoding']) ?? 'close');
  return { status, headers, framing, keeps };
}

function fields(lines: readonly string[]): ResponseHeaders {
  const found = Object.create(null) as Record<string, string | string[]>;
  for (let i = 1; i < lines.length; i++) {
    const [name, value] = readField(lines[i] as string);
    const before = found[name];
    if (before === undefined) found[name] = value;
    else if (typeof before === 'string') found[name] = [before, value];
    else before.push(value);
  }
  return found;
}
