/** Members of tables and elements of lists, put into a JSON text and taken out of it. */
import { createScanner, type Node } from 'jsonc-parser';

/** At the end of the table (with a key) or of the list. */
export function putChild(text: string, holder: Node, key: string | undefined, value: unknown): string {
  const close = endOf(holder) - 1;
  const last = holder.children?.at(-1);
  const lines =
    !last ||
    text.slice(last.offset, close).includes('\n') ||
    text.slice(holder.offset, last.offset).includes('\n');
  const outer = indentAt(text, holder.offset);
  const first = holder.children?.[0];
  const indent = first && opensLine(text, first.offset) ? indentAt(text, first.offset) : outer + unitOf(text);
  const name = key === undefined ? '' : `${JSON.stringify(key)}: `;
  const written = name + (lines ? json(value, text, indent) : JSON.stringify(value));
  const eol = eolOf(text);
  if (!last) {
    const kept = text.slice(holder.offset + 1, close).trimEnd();
    return spliced(text, holder.offset + 1, close, `${kept}${eol}${indent}${written}${eol}${outer}`);
  }
  const comma = commaAfter(text, endOf(last));
  const end = comma === undefined ? endOf(last) : comma + 1;
  if (!lines) {
    const trailing = comma === undefined ? '' : ',';
    return spliced(text, endOf(last), end, `, ${written}${trailing}`);
  }
  // A remark at the end of the line belongs to what stands before it.
  const line = end + (remarkAt(text, end)?.length ?? 0);
  const after = spliced(text, line, line, `${eol}${indent}${written}${comma === undefined ? '' : ','}`);
  return comma === undefined ? spliced(after, end, end, ',') : after;
}

/** @param child a member with its key, or an element. */
export function takeChild(text: string, child: Node): string {
  const holder = child.parent;
  const siblings = holder?.children ?? [];
  const before = siblings[siblings.indexOf(child) - 1];
  const ownComma = commaAfter(text, endOf(child));
  const end = ownComma === undefined ? endOf(child) : ownComma + 1;
  const line = opensLine(text, child.offset) ? endOfLine(text, end) : undefined;
  let after: string;
  if (line !== undefined) after = spliced(text, child.offset - indentAt(text, child.offset).length, line, '');
  else if (ownComma === undefined) after = spliced(text, before ? endOf(before) : child.offset, end, '');
  else after = spliced(text, child.offset, end + blanksAt(text, end), '');
  const comma = before && commaAfter(text, endOf(before));
  // The last one is gone: so is the comma before it.
  if (ownComma === undefined && line !== undefined && comma !== undefined)
    after = spliced(after, comma, comma + 1, '');
  if (!holder || siblings.length > 1) return after;
  const close = endOf(holder) - 1 - (text.length - after.length);
  const isEmpty = after.slice(holder.offset + 1, close).trim() === '';
  return isEmpty ? spliced(after, holder.offset + 1, close, '') : after;
}

export function replaceNode(text: string, node: Node, value: unknown): string {
  const written = text.includes('\n')
    ? json(value, text, indentAt(text, node.offset))
    : JSON.stringify(value);
  return spliced(text, node.offset, endOf(node), written);
}

function json(value: unknown, text: string, indent: string): string {
  return JSON.stringify(value, undefined, unitOf(text)).replaceAll('\n', `${eolOf(text)}${indent}`);
}

function spliced(text: string, from: number, to: number, middle: string): string {
  return text.slice(0, from) + middle + text.slice(to);
}

function endOf(node: Node): number {
  return node.offset + node.length;
}

/** The position of the next comma, past blanks and comments. */
function commaAfter(text: string, from: number): number | undefined {
  const scanner = createScanner(text, true);
  scanner.setPosition(from);
  scanner.scan();
  const at = scanner.getTokenOffset();
  return text[at] === ',' ? at : undefined;
}

/** Blanks and a remark that end their line. */
function remarkAt(text: string, from: number): string | undefined {
  return /^[ \t]*(?:\/\/[^\r\n]*|\/\*(?:(?!\*\/)[^\r\n])*\*\/)?[ \t]*(?=\r?\n|$)/.exec(text.slice(from))?.[0];
}

/** Past the line's end; `undefined` where something else stands on the line. */
function endOfLine(text: string, from: number): number | undefined {
  const remark = remarkAt(text, from);
  if (remark === undefined) return undefined;
  const end = from + remark.length;
  return end + (/^\r?\n/.exec(text.slice(end, end + 2))?.[0].length ?? 0);
}

function blanksAt(text: string, from: number): number {
  return /^[ \t]*/.exec(text.slice(from))?.[0].length ?? 0;
}

function opensLine(text: string, offset: number): boolean {
  return text.slice(text.lastIndexOf('\n', offset - 1) + 1, offset).trim() === '' && offset > 0;
}

function indentAt(text: string, offset: number): string {
  return /^[ \t]*/.exec(text.slice(text.lastIndexOf('\n', offset - 1) + 1, offset))?.[0] ?? '';
}

function unitOf(text: string): string {
  return /\n([ \t]+)\S/.exec(text)?.[1] ?? '  ';
}

function eolOf(text: string): string {
  return text.includes('\r\n') ? '\r\n' : '\n';
}
