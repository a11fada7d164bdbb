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
const FORMAT = 2;
/** Bytes before a row's numbers. */
const SCALE = 2;

export interface WeightedWord {
  readonly word: string;
  readonly weight: number;
}

export interface WordTable {
  /** @returns a vector of length 1, or of length 0 where no word is known. */
  embed(words: readonly WeightedWord[]): Float32Array;
}

/** @throws Error where the file is missing or no word table. */
export async function readWordTable(file: string | URL): Promise<WordTable> {
  const bytes = await readFile(file);
  const headerEnd = bytes.indexOf(10);
  const piecesEnd = bytes.indexOf(10, headerEnd + 1);
  const header = JSON.parse(bytes.toString('utf8', 0, headerEnd)) as { format: number; dimensions: number };
  if (header.format !== FORMAT) throw new Error(`the word table has format ${header.format}, not ${FORMAT}`);
  const pieces = JSON.parse(bytes.toString('utf8', headerEnd + 1, piecesEnd)) as string[];
  const rows = bytes.subarray(piecesEnd + 1);
  const rowBytes = SCALE + header.dimensions / 2;
  if (rows.length !== pieces.length * rowBytes) throw new Error('the word table is cut off');
  return new PieceVectors(
    header.dimensions,
    new Map(pieces.map((piece, row) => [piece, row * rowBytes])),
    rows,
  );
}

class PieceVectors implements WordTable {
  readonly #dimensions: number;
  readonly #offsets: ReadonlyMap<string, number>;
  readonly #rows: Buffer;

  constructor(dimensions: number, offsets: ReadonlyMap<string, number>, rows: Buffer) {
    this.#dimensions = dimensions;
    this.#offsets = offsets;
    this.#rows = rows;
  }

  embed(words: readonly WeightedWord[]): Float32Array {
    const sum = new Float32Array(this.#dimensions);
    let pieces = 0;
    for (const { word, weight } of words) {
      for (const offset of this.#piecesOf(word)) {
        this.#add(sum, offset, weight);
        if (++pieces === MAX_PIECES) return unit(sum);
      }
    }
    return unit(sum);
  }

  #add(sum: Float32Array, offset: number, weight: number): void {
    const scale = weight * halfFloat(this.#rows.readUInt16LE(offset));
    for (let i = 0, at = offset + SCALE; i < sum.length; i += 2, at++) {
      const byte = this.#rows[at] as number;
      sum[i] = (sum[i] as number) + ((byte & 15) - 8) * scale;
      sum[i + 1] = (sum[i + 1] as number) + ((byte >> 4) - 8) * scale;
    }
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
  let square = 0;
  for (const value of vector) square += value * value;
  if (square === 0) return vector;
  const length = Math.sqrt(square);
  return vector.map((value) => value / length);
}

/** A float16 of the table: never negative, endless or no number. */
function halfFloat(bits: number): number {
  const exponent = bits >> 10;
  const fraction = bits & 0x3ff;
  return exponent === 0 ? fraction * 2 ** -24 : (1 + fraction / 1024) * 2 ** (exponent - 15);
}
