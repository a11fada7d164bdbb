/** Bars with their values, as an SVG within a page. */
import { escapeHtml } from './escape-html.ts';
import { oneLine } from './foreign-text.ts';

export interface Bar {
  readonly label: string;
  /** Not below zero. */
  readonly value: number;
}

const LABEL = 300;
const LONGEST_BAR = 420;
const ROW = 22;
/** In characters, as many as have room. */
const LABEL_LENGTH = 44;

/** Empty where there is nothing to draw. */
export function barChart(title: string, bars: readonly Bar[], text: (value: number) => string): string {
  if (bars.length === 0) return '';
  const most = Math.max(...bars.map(({ value }) => value)) || 1;
  const height = bars.length * ROW + 4;
  const rows = bars.map(({ label, value }, index) => {
    const y = index * ROW + 2;
    const length = Math.max(1, Math.round((value / most) * LONGEST_BAR));
    return [
      `<text x="${LABEL - 8}" y="${y + 14}" text-anchor="end">${escapeHtml(oneLine(label, LABEL_LENGTH))}</text>`,
      `<rect x="${LABEL}" y="${y + 2}" width="${length}" height="${ROW - 6}" rx="2"/>`,
      `<text x="${LABEL + length + 6}" y="${y + 14}">${escapeHtml(text(value))}</text>`,
    ].join('');
  });
  return `<h2>${escapeHtml(title)}</h2>
<svg role="img" aria-label="${escapeHtml(title)}" viewBox="0 0 ${LABEL + LONGEST_BAR + 90} ${height}" width="${LABEL + LONGEST_BAR + 90}" height="${height}">
${rows.join('\n')}
</svg>`;
}
