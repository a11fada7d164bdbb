import stringWidth from 'string-width';
import { cut, padded } from './text-layout.ts';

export interface Column {
  readonly title: string;
  /** Numbers stand to the right. */
  readonly side?: 'left' | 'right';
}

/** The narrowest that a column becomes where the terminal is narrow. */
const MIN_COLUMN = 6;
const GAP = 2;

/**
 * Rows in aligned columns of at most `width` altogether: the widest columns give way first. Cells may hold colours.
 */
export function table(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  width: number,
): string[] {
  const widths = columns.map(({ title }, index) =>
    Math.max(stringWidth(title), ...rows.map((row) => stringWidth(row[index] ?? ''))),
  );
  const room = Math.max(0, width - GAP * (columns.length - 1));
  for (let over = sum(widths) - room; over > 0; over--) {
    const widest = widths.indexOf(Math.max(...widths));
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

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0);
}
