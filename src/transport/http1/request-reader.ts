/**
 * Reads the requests of a client, one at a time: what comes before the one under way is answered waits.
 *
 * It takes less than `node:http` would, and what it takes it reads in the same way.
 */
import {
  type Framing,
  frames,
  framingOf,
  MessageError,
  MessageReader,
  readField,
  saysClose,
} from './message-reader.ts';

/** By names in lower case; a field that came more than once is one value, joined with commas. */
export type RequestHeaders = Readonly<Record<string, string | undefined>>;

/** What stands before a body. A head that comes again to the letter, right after itself, is the same object. */
export interface RequestHead {
  readonly method: string;
  /** Path and query, or a whole address, as they were sent. */
  readonly target: string;
  readonly headers: RequestHeaders;
  /** Of the body, in bytes or chunks. */
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

const MAX_FIELDS = 256;
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
    // It has its turn when the request before it is answered.
  }
}

function parsed(text: string): RequestHead {
  const lines = text.split('\r\n');
  if (lines.length > MAX_FIELDS + 1) throw new MessageError('too many fields', 431);
  const [, method, target, minor] = REQUEST_LINE.exec(lines[0] as string) ?? [];
  if (method === undefined || target === undefined) throw new MessageError('no request line');
  const headers = fields(lines);
  const newer = minor === '1';
  if (newer && headers['host'] === undefined) throw new MessageError('no host');
  const framing = framingOf(headers['content-length'], headers['transfer-encoding']) ?? 0;
  if (framing === 'chunks' && !newer) throw new MessageError('chunks before HTTP/1.1');
  if (framing === 'close') throw new MessageError('no usable length');
  const persists = newer && !saysClose(headers['connection']);
  return { method, target, headers, framing, takesChunks: newer, persists };
}

function fields(lines: readonly string[]): RequestHeaders {
  const found = Object.create(null) as Record<string, string>;
  for (let i = 1; i < lines.length; i++) {
    const line = lines[i] as string;
    const [name, value] = readField(line);
    // What is before a proxy or behind it may not take the blanks away.
    if (frames(name) && /[ \t]$/.test(line)) throw new MessageError('no usable length');
    const before = found[name];
    if (before === undefined) found[name] = value;
    else if (name === 'host') throw new MessageError('two hosts');
    else found[name] = `${before}, ${value}`;
  }
  return found;
}
