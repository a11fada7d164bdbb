/** Text in columns of a terminal. */
import { stripVTControlCharacters } from 'node:util';
import stringWidth from 'string-width';

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
export function padded(text: string, width: number, side: 'left' | 'right' = 'left'): string {
  const space = ' '.repeat(Math.max(0, width - stringWidth(text)));
  return side === 'left' ? text + space : space + text;
}
