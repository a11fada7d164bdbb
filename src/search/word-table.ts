/**
 * Compares texts by meaning without a model: every word piece has a vector, a text's vector is the sum of its pieces'.
 *
 * `scripts/word-table/make-word-table.py` makes the table and describes its file.
 */
import { readFile } from 'node:fs/promises';

/** A piece of a word's middle or end, in the table's spelling. */
const CONTINUED = '##';
const MAX_WORD = 64;
const MAX_PIECES = 256;

export interface WordTable {
  readonly dimensions: number;
  /** @returns a vector of length 1, or of length 0 where no word is known. */
  embed(words: readonly string[]): Float32Array;
}

/** @throws Error where the file is missing or no word table. */
export async function readWordTable(file: string | URL): Promise<WordTable> {
  const bytes = await readFile(file);
  const headerEnd = bytes.indexOf(10);
  const piecesEnd = bytes.indexOf(10, headerEnd + 1);
  const header = JSON.parse(bytes.toString('utf8', 0, headerEnd)) as { format: number; dimensions: number };
  if (header.format !== 1) throw new Error(`the word table has format ${header.format}, not 1`);
  const pieces = JSON.parse(bytes.toString('utf8', headerEnd + 1, piecesEnd)) as string[];
  const rows = bytes.subarray(piecesEnd + 1);
  const rowBytes = header.dimensions + 4;
  if (rows.length !== pieces.length * rowBytes) throw new Error('the word table is cut off');
  return new PieceVectors(
    header.dimensions,
    new Map(pieces.map((piece, row) => [piece, row * rowBytes])),
    rows,
  );
}

class PieceVectors implements WordTable {
  readonly dimensions: number;
  readonly #offsets: ReadonlyMap<string, number>;
  readonly #rows: Buffer;

  constructor(dimensions: number, offsets: ReadonlyMap<string, number>, rows: Buffer) {
    this.dimensions = dimensions;
    this.#offsets = offsets;
    this.#rows = rows;
  }

  embed(words: readonly string[]): Float32Array {
    const sum = new Float32Array(this.dimensions);
    let pieces = 0;
    for (const word of words) {
      for (const offset of this.#piecesOf(word)) {
        const scale = this.#rows.readFloatLE(offset + this.dimensions);
        for (let i = 0; i < this.dimensions; i++)
          sum[i] = (sum[i] as number) + this.#rows.readInt8(offset + i) * scale;
        if (++pieces === MAX_PIECES) return unit(sum);
      }
    }
    return unit(sum);
  }

  /** The longest pieces first, as the model's own tokenizer cuts a word; an unknown word has none. */
  #piecesOf(word: string): number[] {
    const found: number[] = [];
    const text = word.slice(0, MAX_WORD).normalize('NFD').replaceAll(/\p{M}/gu, '');
    for (let start = 0; start < text.length;) {
      let end = text.length;
      let offset: number | undefined;
      for (; end > start; end--) {
        offset = this.#offsets.get((start > 0 ? CONTINUED : '') + text.slice(start, end));
        if (offset !== undefined) break;
      }
      if (offset === undefined) return [];
      found.push(offset);
      start = end;
    }
    return found;
  }
}

export function similarity(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] as number) * (b[i] as number);
  return sum;
}

function unit(vector: Float32Array): Float32Array {
  const length = Math.hypot(...vector);
  return length === 0 ? vector : vector.map((value) => value / length);
}
