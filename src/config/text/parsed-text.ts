import { ExactNumber, exactNumber } from '../../json/exact-json.ts';
import type { ConfigProblem } from '../config-error.ts';
import type { SourcePlace, TableNode } from './tree.ts';

/** The result of each format's parser. */
export interface ParsedText {
  /** Absent if the text could not be read; `errors` then says why. */
  readonly root?: TableNode;
  readonly errors: readonly ConfigProblem[];
  /** Keys given twice in one table, numbers that would be rounded. Errors in our own files; a client's is read as the client reads it. */
  readonly faults: readonly ConfigProblem[];
}

/** A number of a file, unless it would be another one here. */
export function numberFault(spelling: string): string | undefined {
  const number = exactNumber(spelling);
  if (typeof number === 'number' || (number instanceof ExactNumber && number.isDouble)) return undefined;
  return `${spelling.slice(0, 40)} has more digits than a number holds here. Write it as text, in quotes.`;
}

export function problemAt(place: SourcePlace, path: string, message: string): ConfigProblem {
  const { source, line, column } = place;
  return {
    file: source.name,
    ...(line === undefined ? {} : { line }),
    ...(column === undefined ? {} : { column }),
    path,
    message,
  };
}

/** Offset in a text -> line and column, both from 1. */
export function lineFinder(
  text: string,
): (offset: number) => { readonly line: number; readonly column: number } {
  const starts = [0];
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  return (offset) => {
    let low = 0;
    let high = starts.length - 1;
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if ((starts[middle] ?? 0) <= offset) low = middle;
      else high = middle - 1;
    }
    return { line: low + 1, column: offset - (starts[low] ?? 0) + 1 };
  };
}
