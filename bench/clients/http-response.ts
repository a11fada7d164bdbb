/** Reads HTTP/1.1 responses off one socket, as latin1 text: a whole body, or an event stream in chunks. */

const HEAD_END = '\r\n\r\n';

export class HttpResponses {
  readonly #done: (head: string, body: string) => void;
  #parts: string[] = [];
  /** Of the response being read: its head once it is there, and how many bytes its body has (`-1`: in chunks). */
  #head: string | undefined;
  #missing = 0;

  /** `done` gets each response, with the messages of an event stream already taken out of it. */
  constructor(done: (head: string, body: string) => void) {
    this.#done = done;
  }

  push(text: string): void {
    this.#parts.push(text);
    this.#missing -= text.length;
    // The rest of a large body is not looked at before it is whole.
    if (this.#head !== undefined && this.#missing > 0) return;
    this.#read(this.#parts.length === 1 ? text : this.#parts.join(''));
  }

  #read(text: string): void {
    let at = 0;
    if (this.#head === undefined) {
      const end = text.indexOf(HEAD_END);
      if (end < 0) return this.#keep(text);
      this.#head = text.slice(0, end + 2).toLowerCase();
      at = end + HEAD_END.length;
    }
    const length = /\r\ncontent-length: *(\d+)/.exec(this.#head)?.[1];
    const chunked = length === undefined && this.#head.includes('\r\ntransfer-encoding: chunked');
    const body = chunked ? chunkedBody(text, at) : text.slice(at, at + Number(length ?? 0));
    if (body === undefined) return this.#keep(text.slice(at));
    this.#missing = chunked ? 0 : Number(length ?? 0) - body.length;
    if (this.#missing > 0) return void (this.#parts = [text.slice(at)]);
    const head = this.#head;
    this.#head = undefined;
    this.#parts = [];
    this.#done(head, head.includes('text/event-stream') ? eventData(body) : body);
  }

  #keep(text: string): void {
    this.#parts = [text];
    this.#missing = 0;
  }
}

/** @returns `undefined` while the last chunk is missing. */
function chunkedBody(text: string, from: number): string | undefined {
  if (!text.endsWith('0\r\n\r\n')) return undefined;
  let body = '';
  let at = from;
  for (;;) {
    const line = text.indexOf('\r\n', at);
    const size = Number.parseInt(text.slice(at, line), 16);
    if (size === 0) return body;
    body += text.slice(line + 2, line + 2 + size);
    at = line + 2 + size + 2;
  }
}

/** The last message of an event stream: the answer. */
function eventData(body: string): string {
  const at = body.lastIndexOf('\ndata: ');
  return body.slice(at + 7, body.indexOf('\n', at + 7));
}
