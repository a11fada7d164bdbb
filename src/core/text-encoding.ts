/** Recognises files that are not UTF-8 text from their decoded text. A parser would only name the first character. */

/** A description of the problem and its remedy; `undefined` if there is none. */
export function wrongEncoding(text: string): string | undefined {
  const start = text.slice(0, LOOKED_AT);
  // Both orders of the mark give the same.
  if (start.startsWith('\ufffd\ufffd') && start.includes('\0')) return UTF_16;
  if (/^(?:[^\0]\0){2,}|^(?:\0[^\0]){2,}/.test(start)) return UTF_16;
  if (start.startsWith('PK\u0003\u0004')) return 'it is a zip archive, and no text';
  if (start.startsWith('\u001f\ufffd')) return 'it is compressed, and no text';
  return start.includes('\0') ? 'it is no text: it holds bytes of zero' : undefined;
}

/** @throws Error where it is no UTF-8 text. */
export function asText(text: string): string {
  const wrong = wrongEncoding(text);
  if (wrong !== undefined) throw new Error(wrong);
  return text;
}

const LOOKED_AT = 256;
const UTF_16 =
  'it is UTF-16: save it as UTF-8 (in PowerShell, ">" writes UTF-16; "Set-Content -Encoding utf8" does not)';
