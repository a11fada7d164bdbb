/**
 * Reads the requests of a client, one at a time: a pipelined request waits until the one before it is answered.
 *
 * The reader accepts less than `node:http` does, and reads what it accepts in the same way.
 */
import { readField } from './fields.ts';
import { type Framing, framingOf, isFraming, saysClose } from './framing.ts';
import { MAX_FIELDS } from './limits.ts';
import { MessageError } from './message-error.ts';
import { MessageReader } from './message-reader.ts';

/** Header fields by name in lower case. A field that came more than once is one value, joined with commas. */
export type RequestHeaders = Readonly<Record<string, string | undefined>>;

/** A request without its body. A head that comes twice in a row, byte for byte, is the same object. */
export interface RequestHead {
  readonly method: string;
  /** The request target as it was sent: path and query, a whole address, or `*`. */
  readonly target: string;
  readonly headers: RequestHeaders;
  /** The length of the body in bytes, or `chunks`. */
  readonly framing: number | 'chunks';
  /** From HTTP/1.1 on an answer may come in chunks. */
  readonly takesChunks: boolean;
  /** The client may send another request on the same connection. */
  readonly persists: boolean;
}

export interface RequestEvents {
  head(head: RequestHead): void;
  data(part: Buffer): void;
  /** Nothing more is read before `expect()`. */
  end(): void;
}

const SIZE_LINE = /^([\da-fA-F]{1,12})(?:;[\w!#$%&'*+.^`|~-]+(?:=(?:[\w!#$%&'*+.^`|~-]+|"[\w ]*"))?)*$/;
const REQUEST_LINE =
  /^([\w!#$%&'*+.^`|~-]{1,32}) (\/[\x21-\x7e]*|\*|https?:\/\/[\x21-\x7e]+) HTTP\/1\.([01])$/;

export class RequestReader extends MessageReader {
  readonly #events: RequestEvents;
  #head: RequestHead | undefined;

  constructor(events: RequestEvents) {
    super(SIZE_LINE, true);
    this.#events = events;
    this.expect();
  }

  protected override readHead(text: string): Framing {
    this.#head = parsed(text);
    return this.#head.framing;
  }

  protected override begun(): void {
    if (this.#head) this.#events.head(this.#head);
  }

  protected override data(part: Buffer): void {
    this.#events.data(part);
  }

  protected override ended(): void {
    this.#events.end();
  }

  protected override early(): void {
    // A pipelined request is read when the one before it is answered.
  }
}

function parsed(text: string): RequestHead {
  const [first = '', ...lines] = text.split('\r\n');
  return headOf(requestLineOf(first), lines);
}

interface RequestLineParts {
  readonly method: string;
  readonly target: string;
  /** The version of HTTP, behind `1.`. */
  readonly minor: string | undefined;
}

function headOf({ method, target, minor }: RequestLineParts, lines: readonly string[]): RequestHead {
  if (lines.length > MAX_FIELDS) throw new MessageError('too many fields', 431);
  const headers = fields(lines);
  const newer = minor === '1';
  if (newer && headers['host'] === undefined) throw new MessageError('no host');
  const framing = framingOf(headers['content-length'], headers['transfer-encoding']) ?? 0;
  if (framing === 'chunks' && !newer) throw new MessageError('chunks before HTTP/1.1');
  if (framing === 'close') throw new MessageError('no usable length');
  const persists = newer && !saysClose(headers['connection']);
  return { method, target, headers, framing, takesChunks: newer, persists };
}

/** A request whose bytes `node:http` has read. */
interface ParsedRequest {
  readonly method?: string | undefined;
  readonly url?: string | undefined;
  readonly httpVersion: string;
  /** Names and values in turn. */
  readonly rawHeaders: readonly string[];
}

/** The same rules for a request that somebody else has taken apart. @throws MessageError */
export function requestHeadOf({ method, url, httpVersion, rawHeaders }: ParsedRequest): RequestHead {
  const lines: string[] = [];
  for (let i = 0; i < rawHeaders.length; i += 2) lines.push(`${rawHeaders[i]}:${rawHeaders[i + 1]}`);
  return headOf(requestLineOf(`${method} ${url} HTTP/${httpVersion}`), lines);
}

function requestLineOf(line: string): RequestLineParts {
  const [, method, target, minor] = REQUEST_LINE.exec(line) ?? [];
  if (method === undefined || target === undefined) throw new MessageError('no request line');
  return { method, target, minor };
}

function fields(lines: readonly string[]): RequestHeaders {
  const found = Object.create(null) as Record<string, string>;
  for (const line of lines) {
    const [name, value] = readField(line);
    // Another reader on the way may not take the white space away, and then see no length.
    if (isFraming(name) && /[ \t]$/.test(line)) throw new MessageError('no usable length');
    const before = found[name];
    if (before === undefined) found[name] = value;
    else if (name === 'host') throw new MessageError('two hosts');
    else found[name] = `${before}, ${value}`;
  }
  return found;
}
