/**
 * The stderr of a child process: always taken in, its end kept, some of it handed on.
 *
 * A child whose stderr nobody reads would stop at a full pipe; one that floods it must not fill our log.
 */
import type { Clock } from '../../core/clock.ts';
import { wholeText } from '../../json/elided.ts';
import { REDACTED } from '../../core/redaction/secret-forms.ts';
import { LineReader } from '../bytes/line-reader.ts';

export interface StderrOptions {
  /** Bytes that are kept of the end. */
  readonly keepBytes: number;
  /** Lines that are handed on. */
  readonly linesPerSecond: number;
  /** Gets a cleaned line, and how many lines were left out before it. */
  readonly onLine?: ((line: string, leftOut: number) => void) | undefined;
  readonly redact: (text: string) => string;
  readonly clock: Clock;
}

const LONGEST_LINE = 8 * 1024;
const LONGEST_SHOWN = 2 * 1024;
const REFILL_MS = 1000;
/** A key of so many lines is as long as they get. */
const LONGEST_BLOCK = 1000;
const BLOCK_LINE = /^\s*(?:[A-Za-z0-9+/=]*|(?:Proc-Type|DEK-Info): .*)\s*$/;

export class Stderr {
  readonly #options: StderrOptions;
  readonly #lines: LineReader | undefined;
  /** A ring, made once there is something to keep: most servers never write. */
  #tail: Buffer = NOTHING;
  #written = 0;
  #allowance: number;
  #refilledAt: number;
  #leftOut = 0;
  /** Within a key of several lines: how many of them may still come. */
  #blockLines = 0;

  constructor(options: StderrOptions) {
    this.#options = options;
    this.#refilledAt = options.clock.now();
    this.#allowance = options.linesPerSecond;
    this.#lines = options.onLine && this.#framing(options.onLine);
  }

  push(chunk: Buffer): void {
    this.#keep(chunk);
    this.#lines?.push(chunk);
  }

  end(): void {
    this.#lines?.end();
    if (this.#leftOut > 0) this.#options.onLine?.('', this.#leftOut);
    this.#leftOut = 0;
  }

  /** The last of it, in whole lines, cleaned. */
  tail(): string {
    const size = this.#options.keepBytes;
    if (this.#written <= size) return this.#options.redact(this.#tail.toString('utf8', 0, this.#written));
    const at = this.#written % size;
    const text = Buffer.concat([this.#tail.subarray(at), this.#tail.subarray(0, at)]).toString();
    // The first line may begin in the middle of a secret, which then would not be recognised.
    return this.#options.redact(text.slice(text.indexOf('\n') + 1 || text.length));
  }

  #keep(chunk: Buffer): void {
    const size = this.#options.keepBytes;
    if (this.#tail.length < size) this.#tail = Buffer.alloc(size);
    const part = chunk.length > size ? chunk.subarray(chunk.length - size) : chunk;
    const at = (this.#written + chunk.length - part.length) % (size || 1);
    const first = part.copy(this.#tail, at);
    part.copy(this.#tail, 0, first);
    this.#written += chunk.length;
  }

  #framing(onLine: (line: string, leftOut: number) => void): LineReader {
    const hand = (line: () => string): void => {
      if (!this.#allowed()) {
        this.#leftOut++;
        return;
      }
      const leftOut = this.#leftOut;
      this.#leftOut = 0;
      onLine(line(), leftOut);
    };
    return new LineReader(LONGEST_LINE, {
      line: (text) => {
        const line = wholeText(text);
        const isWithin = this.#isWithinBlock(line);
        hand(() => (isWithin ? REDACTED : this.#options.redact(line).slice(0, LONGEST_SHOWN)));
      },
      oversized: ({ bytes }) => hand(() => `(a line of ${bytes} bytes)`),
    });
  }

  /** A key in several lines is known by its first one; asked of every line, also of those that are left out. */
  #isWithinBlock(line: string): boolean {
    const isWithin = this.#blockLines > 0 && (line.includes('-----END ') || BLOCK_LINE.test(line));
    if (line.includes('-----BEGIN ')) this.#blockLines = line.includes('-----END ') ? 0 : LONGEST_BLOCK;
    else this.#blockLines = isWithin && !line.includes('-----END ') ? this.#blockLines - 1 : 0;
    return isWithin;
  }

  #allowed(): boolean {
    const now = this.#options.clock.now();
    if (now - this.#refilledAt >= REFILL_MS) {
      this.#refilledAt = now;
      this.#allowance = this.#options.linesPerSecond;
    }
    if (this.#allowance === 0) return false;
    this.#allowance--;
    return true;
  }
}

const NOTHING: Buffer = Buffer.alloc(0);
