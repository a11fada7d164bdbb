/** The lines of an event stream end at LF, CR, or CR LF. A line end is never inside a character of UTF-8. */
const LF = 0x0a;
const CR = 0x0d;

export class LineEnds {
  #afterCr = false;

  /**
   * @param line called for each line that ends in the chunk: where it begins and ends there, and where the next begins.
   * @returns where the line begins that has not ended.
   */
  find(chunk: Buffer, line: (start: number, end: number, next: number) => void): number {
    let start = 0;
    if (this.#afterCr && chunk.length > 0) {
      this.#afterCr = false;
      if (chunk[0] === LF) start = 1;
    }
    // Each kind of line end is looked for once per hit, so that a chunk costs no more than its length.
    let cr = chunk.indexOf(CR, start);
    let lf = chunk.indexOf(LF, start);
    while (cr >= 0 || lf >= 0) {
      const end = cr >= 0 && (lf < 0 || cr < lf) ? cr : lf;
      let next = end + 1;
      if (end === cr) {
        if (lf === next) next++;
        else this.#afterCr = next === chunk.length;
      }
      line(start, end, next);
      start = next;
      if (end === cr) cr = chunk.indexOf(CR, start);
      if (lf >= 0 && lf < start) lf = chunk.indexOf(LF, start);
    }
    return start;
  }
}
