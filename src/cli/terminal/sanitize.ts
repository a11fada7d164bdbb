/** Names and words of servers, made fit to be shown: whoever wrote them may be hostile. */
import { printExact } from '../../json/exact-json.ts';

const LONGEST = 300;

/** One line without anything that a terminal would obey or that hides what it says, and not without end. */
export function oneLine(text: string, longest = LONGEST): string {
  // Cut first: what is cleaned may be megabytes long.
  const clean = plain(text.slice(0, longest * 4));
  // By characters: a half of one is none.
  const characters = Array.from(clean);
  const isCut = characters.length > longest || text.length > longest * 4;
  return isCut ? `${characters.slice(0, longest - 1).join('')}…` : clean;
}

/** The same without a limit. What is no text is shown as JSON, what is not there as nothing. */
export function plain(value: unknown): string {
  if (value === undefined || value === null) return '';
  const text = typeof value === 'string' ? value : (printExact(value) ?? '');
  return text
    .replaceAll(/[\p{C}\p{Zl}\p{Zp}]+/gu, ' ')
    .replaceAll(/\s+/g, ' ')
    .trim();
}

/** Text as text within HTML and within the quotes of an attribute. */
export function escapeHtml(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
