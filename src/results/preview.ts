/**
 * What a client gets in place of a long text: its shape and its beginning, in the budget that there is.
 *
 * JSON is never cut within an item; of other text the head and the tail are shown in whole lines.
 */
import { items, pointed, type JsonSpan } from './json-borders.ts';
import { shapeOf } from './json-shape.ts';
import type { TextKind } from './held-results.ts';

export interface PreviewOptions {
  /** In tokens. */
  readonly budget: number;
  readonly estimate: (text: string) => number;
}

export interface Previewed {
  readonly kind: TextKind;
  readonly bytes: Buffer;
  /** The value of JSON. */
  readonly value: unknown;
}

const LEAST_BYTES = 1;
/** What a token usually has: where to begin. */
const USUAL_BYTES = 4;
/** A list as deep as this is found, for its first items to be shown. */
const MAX_LIST_DEPTH = 3;

export function previewOf({ kind, bytes, value }: Previewed, options: PreviewOptions): string {
  if (kind === 'text') return headAndTail(bytes, options);
  const shape = `Shape: ${shapeOf(value)}`;
  const list = longestList(value);
  const span = list && pointed(bytes, list.pointer);
  const shown = span && firstItems(bytes, span, options);
  if (!list || !shown || shown.count === 0) return shape;
  const where = list.pointer === '' ? '' : ` of ${list.pointer}`;
  return `${shape}\nFirst ${shown.count} of ${list.length} items${where}:\n${shown.text}`;
}

/** The beginning of a text that fits, in whole lines where there are any. */
export function fitting(bytes: Buffer, { budget, estimate }: PreviewOptions, from: 'head' | 'tail'): string {
  let size = Math.min(bytes.length, budget * USUAL_BYTES);
  for (;;) {
    const text = piece(bytes, size, from);
    const tokens = estimate(text);
    if (tokens <= budget || size <= LEAST_BYTES) return text;
    size = Math.max(LEAST_BYTES, Math.floor(size * Math.min(0.9, budget / tokens)));
  }
}

function headAndTail(bytes: Buffer, { budget, estimate }: PreviewOptions): string {
  const half = { budget: Math.floor(budget / 2), estimate };
  const head = fitting(bytes, half, 'head');
  const headSize = Buffer.byteLength(head);
  const tail = fitting(bytes.subarray(headSize), half, 'tail');
  const left = bytes.length - headSize - Buffer.byteLength(tail);
  if (left <= 0) return head + tail;
  const lines = countLines(bytes);
  return `${lines.toLocaleString('en-US')} lines. Its beginning:\n${head}\n… ${left.toLocaleString('en-US')} bytes left out …\n${tail}`;
}

function piece(bytes: Buffer, size: number, from: 'head' | 'tail'): string {
  if (size >= bytes.length) return bytes.toString();
  if (from === 'head') {
    const line = bytes.lastIndexOf(0x0a, size - 1);
    if (line > size / 2) return bytes.toString('utf8', 0, line + 1);
    let end = size;
    while (end > 0 && isWithinCharacter(bytes[end])) end--;
    return bytes.toString('utf8', 0, end);
  }
  const begin = bytes.length - size;
  const line = bytes.indexOf(0x0a, begin);
  if (line >= 0 && line < begin + size / 2) return bytes.toString('utf8', line + 1);
  let start = begin;
  while (start < bytes.length && isWithinCharacter(bytes[start])) start++;
  return bytes.toString('utf8', start);
}

function isWithinCharacter(byte: number | undefined): boolean {
  return byte !== undefined && (byte & 0xc0) === 0x80;
}

interface FoundList {
  readonly pointer: string;
  readonly length: number;
}

/** The list with the most items, that is what the result is about. */
function longestList(value: unknown): FoundList | undefined {
  let longest: FoundList | undefined;
  const visit = (part: unknown, pointer: string, depth: number): void => {
    if (Array.isArray(part)) {
      if (part.length > (longest?.length ?? 0)) longest = { pointer, length: part.length };
      return;
    }
    if (typeof part !== 'object' || part === null || depth >= MAX_LIST_DEPTH) return;
    for (const [key, inner] of Object.entries(part))
      visit(inner, `${pointer}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`, depth + 1);
  };
  visit(value, '', 0);
  return longest;
}

function firstItems(
  bytes: Buffer,
  list: JsonSpan,
  { budget, estimate }: PreviewOptions,
): { text: string; count: number } {
  const texts: string[] = [];
  let tokens = 0;
  for (const { from, to } of items(bytes, list)) {
    // An item of many bytes cannot fit: no need to count.
    if (to - from > budget * 8) break;
    const text = bytes.toString('utf8', from, to);
    tokens += estimate(text) + 1;
    if (tokens > budget) break;
    texts.push(text);
  }
  return { text: texts.join('\n'), count: texts.length };
}

function countLines(bytes: Buffer): number {
  let lines = 1;
  for (let at = bytes.indexOf(0x0a); at >= 0; at = bytes.indexOf(0x0a, at + 1)) lines++;
  return lines;
}
