/**
 * Bytes that come in pieces, kept until they are wanted whole.
 *
 * Small pieces are copied together: a peer that sends ten million chunks of one byte each must not make
 * us hold ten million buffers.
 */
const SMALL = 2048;
const BLOCK = 16_384;

export class ByteChunks {
  bytes = 0;
  #first: Buffer | undefined;
  #more: Buffer[] | undefined;
  #block: Buffer | undefined;
  #blockUsed = 0;

  add(piece: Buffer): void {
    this.bytes += piece.length;
    if (this.#first === undefined) {
      this.#first = piece;
      return;
    }
    if (piece.length >= SMALL) {
      this.#sealBlock();
      (this.#more ??= []).push(piece);
      return;
    }
    if (this.#block !== undefined && this.#blockUsed + piece.length > BLOCK) this.#sealBlock();
    this.#block ??= Buffer.allocUnsafe(BLOCK);
    this.#blockUsed += piece.copy(this.#block, this.#blockUsed);
  }

  /** All of it in one; afterwards there is nothing left. */
  take(): Buffer {
    this.#sealBlock();
    const first = this.#first ?? Buffer.alloc(0);
    const whole = this.#more === undefined ? first : Buffer.concat([first, ...this.#more], this.bytes);
    this.bytes = 0;
    this.#first = undefined;
    this.#more = undefined;
    return whole;
  }

  #sealBlock(): void {
    if (this.#block === undefined) return;
    (this.#more ??= []).push(this.#block.subarray(0, this.#blockUsed));
    this.#block = undefined;
    this.#blockUsed = 0;
  }
}
