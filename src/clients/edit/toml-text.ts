/** Tables with a headline of their own in a TOML text: lines that come and go. Whether that was right is seen by parsing. */
import { parse, stringify } from 'smol-toml';
import { isObject } from '../../json/json.ts';

/** At the end of the file. */
export function putTable(
  text: string,
  path: readonly string[],
  table: Readonly<Record<string, unknown>>,
): string {
  const nested = path.reduceRight<Record<string, unknown>>((inner, key) => ({ [key]: inner }), table);
  const eol = text.includes('\r\n') ? '\r\n' : '\n';
  const gap = text === '' ? '' : text.endsWith('\n') ? eol : eol + eol;
  return text + gap + `${stringify(nested).trim()}\n`.replaceAll('\n', eol);
}

/** With the tables within it, and one blank line. What stands between it and the next headline stays. */
export function takeTable(text: string, path: readonly string[]): string {
  const lines = text.split(/(?<=\n)/);
  const kept: string[] = [];
  for (let at = 0; at < lines.length; at++) {
    if (!isWithin(headline(lines[at]), path)) {
      kept.push(lines[at] ?? '');
      continue;
    }
    let next = at + 1;
    while (next < lines.length && headline(lines[next]) === undefined) next++;
    let end = next;
    while (end > at + 1 && /^(#.*)?$/.test(lines[end - 1]?.trim() ?? '')) end--;
    if (kept.at(-1)?.trim() === '') kept.pop();
    else if (end < next && lines[end]?.trim() === '') end++;
    at = end - 1;
  }
  return kept.join('');
}

/** The keys of `[a."b c"]`; `undefined` where the line is no headline. */
function headline(line = ''): readonly string[] | undefined {
  if (!/^\s*\[/.test(line)) return undefined;
  try {
    const keys: string[] = [];
    for (let table: unknown = parse(line); ;) {
      if (Array.isArray(table)) table = (table as unknown[])[0];
      const [key] = isObject(table) ? Object.keys(table) : [];
      if (key === undefined) return keys;
      keys.push(key);
      table = (table as Readonly<Record<string, unknown>>)[key];
    }
  } catch {
    return undefined;
  }
}

function isWithin(keys: readonly string[] | undefined, path: readonly string[]): boolean {
  return keys !== undefined && path.every((key, index) => keys[index] === key);
}
