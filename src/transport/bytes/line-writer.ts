/**
 * Writes lines to a stream, all lines of one turn in one write.
 *
 * The caller bounds what may wait, and handles errors of the stream.
 */
import type { Writable } from 'node:stream';
import { type EncodedMessage, encodedText } from '../../json/message-text.ts';

export class LineWriter {
  readonly #stream: Writable;
  #joined = '';

  constructor(stream: Writable) {
    this.#stream = stream;
  }

  /** Output that the system has not taken. Counted in characters until it is encoded. */
  get waitingBytes(): number {
    return this.#joined.length + this.#stream.writableLength;
  }

  /** Never throws. Into a stream that has ended it writes nothing. */
  write(line: EncodedMessage): void {
    if (typeof line !== 'string') return this.#writeParts(line);
    // Cheaper than queueMicrotask, which makes an async resource.
    if (this.#joined === '') void NOW.then(this.#flush);
    this.#joined += line + '\n';
  }

  #writeParts(parts: Exclude<EncodedMessage, string>): void {
    this.#flush();
    if (!this.#stream.writable) return;
    this.#stream.cork();
    for (const part of parts) this.#stream.write(part);
    this.#stream.write('\n');
    this.#stream.uncork();
  }

  /** Calls back when everything is with the system, or never will be. */
  flush(done: () => void): void {
    this.#flush();
    if (this.#stream.writable) this.#stream.write('', done);
    else done();
  }

  /** Ends the stream after what was written. */
  end(): void {
    this.#flush();
    if (this.#stream.writable) this.#stream.end();
  }

  readonly #flush = (): void => {
    const joined = this.#joined;
    this.#joined = '';
    if (joined !== '' && this.#stream.writable) this.#stream.write(encodedText(joined));
  };
}

const NOW = Promise.resolve();
