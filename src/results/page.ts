/**
 * Pages of a long text: where one ends.
 *
 * A page is a piece of the text as it is, so that pages joined are the text. It ends behind a line, or in JSON between
 * two items, as far out of nested ones as may be; only a line or a string that is longer than a page is cut within.
 */
import { type Position, scan, START } from './json-borders.ts';

export type PageEnd = 'end' | 'line' | 'item' | 'within';

export interface PageBorder {
  /** From the beginning of the bytes that were looked at. */
  readonly to: number;
  readonly end: PageEnd;
}

/** A border beyond this part of a page is better than one before it, however deep. */
const EARLY = 0.5;
/** So many bytes lie between two places from which a scan may begin. */
const CHECKPOINT_BYTES = 64 * 1024;
/** How much is scanned at a time. */
const SLICE_BYTES = 1024 * 1024;

/** @param isLast whether the bytes reach the end of the text. */
export function linePage(bytes: Buffer, isLast: boolean): PageBorder {
  if (isLast) return { to: bytes.length, end: 'end' };
  const line = bytes.lastIndexOf(0x0a);
  if (line >= 0) return { to: line + 1, end: 'line' };
  return { to: wholeCharacters(bytes, 0), end: 'within' };
}

/**
 * @param bytes from the position on.
 * @param from where the page begins among them.
 */
export function itemPage(bytes: Buffer, position: Position, from: number, isLast: boolean): PageBorder {
  if (isLast) return { to: bytes.length, end: 'end' };
  const first = scan(bytes, { ...position, at: 0 }, from);
  const early = from + (bytes.length - from) * EARLY;
  let best: { readonly at: number; readonly depth: number } | undefined;
  const last = scan(bytes, first, bytes.length, (at, depth) => {
    if (!best || depth <= best.depth || best.at < early) best = { at, depth };
  });
  // A border shortly behind the beginning would make pages of a few bytes before a long string.
  if (best && best.at > from) return { to: best.at, end: 'item' };
  return { to: wholeCharacters(bytes, from, last.inString), end: 'within' };
}

/** Places from which a scan may begin: one for each `CHECKPOINT_BYTES`, in order. Lets others work in between. */
export async function checkpointsOf(bytes: Buffer, pause: () => Promise<unknown>): Promise<Position[]> {
  const places: Position[] = [START];
  let position: Position = START;
  while (position.at < bytes.length) {
    position = scan(bytes, position, position.at + CHECKPOINT_BYTES);
    places.push(position);
    if (position.at % SLICE_BYTES < CHECKPOINT_BYTES) await pause();
  }
  return places;
}

/** The last of the sorted places that is not behind. */
export function checkpointBefore(places: readonly Position[], at: number): Position {
  let low = 0;
  let high = places.length - 1;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if ((places[middle]?.at ?? Infinity) <= at) low = middle;
    else high = middle - 1;
  }
  return places[low] ?? START;
}

/** The length without a character, or an escape of JSON, that is cut at the end. */
function wholeCharacters(bytes: Buffer, from: number, isEscaped = false): number {
  let to = bytes.length;
  while (to > from + 1 && isContinuation(bytes, to)) to--;
  if (!isEscaped) return to;
  const slash = bytes.lastIndexOf(0x5c, to - 1);
  return slash > from && to - slash < 6 && slash % 2 >= 0 ? beforeRun(bytes, slash, from) : to;
}

/** The last byte may begin a character whose rest is beyond. */
function isContinuation(bytes: Buffer, to: number): boolean {
  for (let back = 1; back <= 4; back++) {
    const byte = bytes[to - back];
    if (byte === undefined) return false;
    if (byte >= 0xc0) return back < (byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2);
    if (byte < 0x80) return false;
  }
  return false;
}

function beforeRun(bytes: Buffer, slash: number, from: number): number {
  let at = slash;
  while (at - 1 > from && bytes[at - 1] === 0x5c) at--;
  return at > from ? at : bytes.length;
}
