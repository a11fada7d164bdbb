import { stripVTControlCharacters } from 'node:util';
import stringWidth from 'string-width';

export interface Column {
  readonly title: string;
  /** Numbers stand to the right. */
  readonly side?: 'left' | 'right';
  /** Never cut: what stands here is of use only as a whole. */
  readonly whole?: boolean;
}

/** The narrowest that a column becomes where the terminal is narrow. */
const MIN_COLUMN = 6;
const GAP = 2;

/**
 * Rows in aligned columns of at most `width` altogether: the widest columns give way first. Whole columns
 * never do, and make it wider where there is no other way. Cells may hold colours.
 */
export function textTable(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  width: number,
): string[] {
  const widths = columns.map(({ title }, index) =>
    Math.max(stringWidth(title), ...rows.map((row) => stringWidth(row[index] ?? ''))),
  );
  const room = Math.max(0, width - GAP * (columns.length - 1));
  for (let over = sum(widths) - room; over > 0; over--) {
    const widest = widestOf(widths, columns);
    if ((widths[widest] ?? 0) <= MIN_COLUMN) break;
    widths[widest] = (widths[widest] ?? 0) - 1;
  }
  const line = (cells: readonly string[]): string =>
    columns
      .map(({ side }, index) => {
        const columnWidth = widths[index] ?? 0;
        return padded(cut(cells[index] ?? '', columnWidth), columnWidth, side);
      })
      .join(' '.repeat(GAP))
      .trimEnd();
  return [line(columns.map(({ title }) => title)), ...rows.map(line)];
}

/** The index of the widest column that may be cut; -1 where there is none. */
function widestOf(widths: readonly number[], columns: readonly Column[]): number {
  const cuttable = widths.map((width, index) => (columns[index]?.whole === true ? 0 : width));
  return cuttable.indexOf(Math.max(1, ...cuttable));
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0);
}

/* Text in columns of a terminal. */

/** Lines of at most `width` columns, broken at spaces; a longer word stands alone. */
export function wrapped(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && stringWidth(line) + 1 + stringWidth(word) > width) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line];
}

/** Cut to `width` columns, with an ellipsis where something is missing. Colours of a cut text are lost. */
export function cut(text: string, width: number): string {
  if (stringWidth(text) <= width) return text;
  let kept = '';
  let columns = 0;
  for (const character of stripVTControlCharacters(text)) {
    columns += stringWidth(character);
    if (columns > width - 1) break;
    kept += character;
  }
  return `${kept}…`;
}

/** Filled with spaces to `width` columns. */
function padded(text: string, width: number, side: 'left' | 'right' = 'left'): string {
  const space = ' '.repeat(Math.max(0, width - stringWidth(text)));
  return side === 'left' ? text + space : space + text;
}
