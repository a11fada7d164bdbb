/**
 * The dotenv notation: `KEY=VALUE` lines, `export` before the key, comments, single, double or back quotes
 * (over several lines too). In double quotes `\n`, `\r`, `\t`, `\"` and `\\` are escapes. Nothing is expanded.
 */
export function parseEnvFile(text: string): ReadonlyMap<string, string> {
  const values = new Map<string, string>();
  for (const match of text
    .replace(/^\uFEFF/, '')
    .replace(/\r\n?/g, '\n')
    .matchAll(linePattern)) {
    const [, key, single, double, back, bare] = match;
    if (key === undefined) continue;
    const value = single ?? back ?? (double === undefined ? (bare ?? '').trim() : unescape(double));
    values.set(key, value);
  }
  return values;
}

const linePattern = new RegExp(
  [
    /^[ \t]*(?:export[ \t]+)?([\w.-]+)[ \t]*=[ \t]*/,
    /(?:'([^']*)'|"((?:\\[\s\S]|[^"\\])*)"|`([^`]*)`|((?:[^#\n]|(?<=\S)#)*))/,
    /[ \t]*(?:#.*)?$/,
  ]
    .map((part) => part.source)
    .join(''),
  'gm',
);

function unescape(text: string): string {
  const escapes: ReadonlyMap<string, string> = new Map([
    ['n', '\n'],
    ['r', '\r'],
    ['t', '\t'],
    ['"', '"'],
    ['\\', '\\'],
  ]);
  return text.replace(/\\([\s\S])/g, (all, letter: string) => escapes.get(letter) ?? all);
}
