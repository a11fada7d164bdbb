/** Reads the body of a POST: bounded in size, whole, and surely UTF-8. */
import type { MessageText } from '../../json/elided.ts';
import { PARSE_ERROR } from '../../core/errors.ts';
import type { BodySink } from './incoming-request.ts';
import type { Refusal } from './refusal.ts';
import { LongText } from '../../json/long-text.ts';

const BYTE_ORDER_MARK = '\uFEFF';

/** Tells what has been read, once; never if the body does not come to its end. */
export class RequestBody implements BodySink {
  readonly #text = new LongText(true);
  readonly #maxBytes: number;
  readonly #done: (body: MessageText | Refusal) => void;
  #over = false;

  constructor(maxBytes: number, done: (body: MessageText | Refusal) => void) {
    this.#maxBytes = maxBytes;
    this.#done = done;
  }

  data(part: Buffer): void {
    if (this.#over) return;
    if (this.#text.bytes + part.length <= this.#maxBytes) return this.#text.add(part);
    this.#over = true;
    this.#text.clear();
    this.#done(tooLarge(this.#maxBytes));
  }

  end(): void {
    if (!this.#over) this.#done(whole(this.#text));
  }
}

/** A byte order mark is taken off: RFC 8259 lets a reader ignore it, and some Windows programs send one. */
function whole(text: LongText): MessageText | Refusal {
  if (text.bytes === 0) return unreadable('The body is empty: send one JSON-RPC message.');
  const body = text.take();
  if (body === undefined) return unreadable('The body is not valid UTF-8.');
  return typeof body === 'string' && body.startsWith(BYTE_ORDER_MARK) ? body.slice(1) : body;
}

export function tooLarge(maxBytes: number): Refusal {
  return {
    status: 413,
    message: `The body is larger than ${maxBytes} bytes (limits.requestBytes).`,
  };
}

function unreadable(message: string): Refusal {
  return { status: 400, code: PARSE_ERROR, message };
}
