/** An event that is too large to keep: it is read over, and only whose answer it holds is remembered. */
import { type Oversized, OversizedScanner } from '../../json/oversized.ts';

export class OversizedEvent {
  readonly #scanner = new OversizedScanner();
  #isMidLine = false;
  #isData = false;

  get result(): Oversized {
    return this.#scanner.result;
  }

  /** Data that was read before the event proved too large. */
  data(bytes: Buffer): void {
    this.#scanner.scan(bytes);
  }

  /**
   * The next bytes of a line.
   *
   * @param ends whether the line ends with them.
   * @returns whether the event ends with them, as the line is empty.
   */
  line(bytes: Buffer, start: number, end: number, ends: boolean): boolean {
    let from = start;
    if (!this.#isMidLine) {
      if (start === end && ends) return true;
      this.#isData = isData(bytes, start);
      if (this.#isData) from = start + 5;
    }
    if (this.#isData && from < end) this.#scanner.scan(bytes.subarray(from, end));
    this.#isMidLine = !ends;
    return false;
  }
}

/** Tells whether a line begins with the name of the field `data`. */
export function isData(bytes: Buffer, at: number): boolean {
  return bytes[at] === 0x64 && bytes[at + 1] === 0x61 && bytes[at + 2] === 0x74 && bytes[at + 3] === 0x61;
}
