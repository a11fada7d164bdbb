/**
 * Removes from a text everything that has the form of a secret.
 *
 * The text may be a line of a log, which is JSON and stays JSON: secrets in quoted text within the line are known too. Every search is bounded, so that a hostile text costs no more than its length.
 */
import { isPassword, secrecyOf } from './secret-keys.ts';

export const REDACTED = '[redacted]';

export function withoutSecretForms(text: string): string {
  return tokens(userInfo(namedValues(pemBlocks(text))));
}

/** Returns the values that are removed for the names before them, and the passwords of URLs. */
export function secretsIn(text: string): string[] {
  const found: string[] = [];
  const take: Take = (secret) => void found.push(secret);
  namedValues(text, take);
  userInfo(text, take);
  return found;
}

type Take = (secret: string) => void;

/** Matches a word that may be part of a secret's name; the whole name is then looked at. */
const HINT =
  /pass|pwd|pw\b|secret|token|key|auth|cookie|credential|jwt|pat\b|sig|code|assertion|ticket|otp|sid|session|state|hash/gi;
const LONGEST_NAME = 64;
const NAME = /[\w.-]/;
/** The longest quoted value, in characters, whose end is looked for. */
const LONGEST_VALUE = 16 * 1024;

function namedValues(text: string, take?: Take): string {
  let clean = '';
  let from = 0;
  HINT.lastIndex = 0;
  for (let hint = HINT.exec(text); hint; hint = HINT.exec(text)) {
    const end = nameEnd(text, hint.index + hint[0].length);
    const start = nameStart(text, Math.max(from, hint.index - LONGEST_NAME), hint.index);
    const value = valueAfter(text, start, end);
    if (value) {
      take?.(text.slice(value.start, value.end));
      clean += text.slice(from, value.start) + REDACTED;
      from = value.end;
    }
    HINT.lastIndex = Math.max(end, from);
  }
  return clean + text.slice(from);
}

function nameStart(text: string, least: number, at: number): number {
  let start = at;
  while (start > least && NAME.test(text[start - 1] as string)) start--;
  return start;
}

function nameEnd(text: string, at: number): number {
  let end = at;
  while (end < text.length && end - at < LONGEST_NAME && NAME.test(text[end] as string)) end++;
  return end;
}

interface Span {
  readonly start: number;
  readonly end: number;
}

/** Matches the sign after a name: `=`, `:`, `=>`, `%3D`, or the end of its tag. */
const LINK =
  /(?<quote>\\{0,8}["'`])?(?<gap>[ \t]{0,8})(?<sign>:=|=>|={1,3}|:|%3[dD]|%3[aA])(?<after>[ \t]{0,8})/y;
const OPTION_LINK = /[ \t]{1,8}(?=[^\s-])/y;

/** The value to remove, if there is one. */
function valueAfter(text: string, start: number, end: number): Span | undefined {
  const name = text.slice(start, end);
  const before = text[start - 1] ?? '';
  if (HEADER.test(name)) return headerValue(text, end);
  const inQuery = before === '?' || before === '&' || (before === ';' && text[end] === '=');
  const secrecy = secrecyOf(name, inQuery || text.slice(start - 3, start) === '%26');
  if (secrecy === 'no') return undefined;
  if (before === '<' && text[end] === '>') return until(text, end + 1, '</');
  LINK.lastIndex = end;
  const link = LINK.exec(text);
  if (!link) return name.startsWith('--') ? optionValue(text, end) : undefined;
  const { quote, gap, sign = '', after } = link.groups as Record<string, string | undefined>;
  const at = end + link[0].length;
  const quoted = quotedValue(text, at);
  const isTight = sign.startsWith('=') && gap === '' && after === '';
  if (quoted) {
    // "Unexpected token: 'x'" reports what was read, and no secret.
    if (quote === undefined && !isTight && isOfProse(text, start)) return undefined;
    return isPlain(text.slice(quoted.start, quoted.end)) ? undefined : quoted;
  }
  const found = bareValue(text, at, sign, inQuery);
  const value = text.slice(found.start, found.end);
  if (value === '' || isPlain(value)) return undefined;
  if (secrecy === 'yes' || quote !== undefined || isTight) return isCount(name, value) ? undefined : found;
  if (isPassword(name)) return found;
  return !isOfProse(text, start) && looksMade(value) ? found : undefined;
}

const PROSE = /\b(?:unexpected|illegal|unknown|expected|stray|bad|invalid) $/i;

function isOfProse(text: string, start: number): boolean {
  return PROSE.test(text.slice(Math.max(0, start - 12), start));
}

function optionValue(text: string, end: number): Span | undefined {
  OPTION_LINK.lastIndex = end;
  const link = OPTION_LINK.exec(text);
  if (!link) return undefined;
  const at = end + link[0].length;
  const found = quotedValue(text, at) ?? bareValue(text, at, '=', false);
  return looksMade(text.slice(found.start, found.end)) ? found : undefined;
}

const HEADER = /^(?:(?:proxy-)?authorization|(?:set-)?cookie2?|x-amz-security-token)$/i;

export function isSecretHeader(name: string): boolean {
  return HEADER.test(name) || secrecyOf(name) !== 'no';
}

const SCHEME = /(?:Bearer|Basic|Digest|Negotiate|Token|ApiKey|AWS4-HMAC-SHA256)[ \t]+(?=\S)/iy;

/** Takes the whole line, since the value has several parts; the scheme may stay. */
function headerValue(text: string, end: number): Span | undefined {
  LINK.lastIndex = end;
  const link = LINK.exec(text);
  if (!link) return undefined;
  const at = end + link[0].length;
  const span = quotedValue(text, at) ?? { start: at, end: lineEnd(text, at) };
  SCHEME.lastIndex = span.start;
  const scheme = SCHEME.exec(text)?.[0] ?? '';
  const start = span.start + scheme.length;
  const value = text.slice(start, span.end);
  if (scheme === '' && isPlain(value.trim().split(/\s/)[0] ?? '')) return undefined;
  return value.trim() === '' || start >= span.end ? undefined : { start, end: span.end };
}

/** Ends at the end of the line, or at the quote that closes the surrounding text. */
function lineEnd(text: string, at: number): number {
  let end = at;
  for (; end < text.length && text[end] !== '\n'; end++)
    if (isClosingQuote(text, end)) return beforeEscapes(text, at, end);
  return end;
}

/** Takes a value in quotes, which may be escaped themselves. */
function quotedValue(text: string, at: number): Span | undefined {
  if (text[at] === '[') return listValue(text, at);
  const opening = /\\{0,8}["'`]/y;
  opening.lastIndex = at;
  const open = opening.exec(text)?.[0];
  if (open === undefined) return undefined;
  const quote = open.at(-1) as string;
  const start = at + open.length;
  const most = Math.min(text.length, start + LONGEST_VALUE);
  for (let end = start, escapes = 0; end < most; end++) {
    const one = text[end] as string;
    if (one === '\n') return { start, end };
    if (one === quote && (open.length === 1 ? escapes % 2 === 0 : escapes < open.length))
      return { start, end: end - (open.length === 1 ? escapes : Math.min(escapes, open.length - 1)) };
    // A quote of another kind may close the surrounding text.
    if (one === '"' && escapes < open.length - 1) return { start, end: end - escapes };
    if (one === '"' && quote !== '"' && isClosingQuote(text, end)) return { start, end: end - escapes };
    escapes = one === '\\' ? escapes + 1 : 0;
  }
  return { start, end: most };
}

/** Takes the values of a list. */
function listValue(text: string, at: number): Span | undefined {
  if (!/^\[\s{0,8}\\{0,8}["'`]/.test(text.slice(at, at + 20))) return undefined;
  const end = text.indexOf(']', at);
  if (end < 0 || end - at > LONGEST_VALUE) return undefined;
  const first = quotedValue(text, at + text.slice(at).search(/\\|["'`]/));
  return first && first.end < end ? { start: at, end: end + 1 } : first;
}

const ENDS = /\s/;

function bareValue(text: string, at: number, sign: string, inQuery: boolean): Span {
  const encoded = sign.startsWith('%');
  let end = at;
  for (; end < text.length; end++) {
    const one = text[end] as string;
    if (ENDS.test(one) || one === '<') break;
    if (inQuery && one === '&') break;
    if (encoded && one === '%' && text.startsWith('26', end + 1)) break;
    if (isClosingQuote(text, end)) break;
    // `token=a&user=b` and `token=a, user=b`: the next pair begins.
    if ((one === '&' || one === ',' || one === ';') && NEXT_PAIR.test(text.slice(end + 1, end + 40))) break;
  }
  end = beforeEscapes(text, at, end);
  while (end > at && TRAILING.test(text[end - 1] as string)) end--;
  return { start: at, end };
}

const NEXT_PAIR = /^\s{0,2}["']?[A-Za-z][\w.-]{0,30}["']?\s?[=:]/;
const TRAILING = /[,;.)\]}]/;

/** @returns whether the quote here closes something: a quote within a value has a letter behind it. */
function isClosingQuote(text: string, at: number): boolean {
  const one = text[at];
  if (one !== '"' && one !== "'" && one !== '`') return false;
  const next = text[at + 1];
  return next === undefined || /[\s,;:)\]}\\"'`]/.test(next);
}

function beforeEscapes(text: string, least: number, at: number): number {
  if (text[at] !== '"' && text[at] !== "'" && text[at] !== '`') return at;
  let end = at;
  while (end > least && text[end - 1] === '\\') end--;
  return end;
}

function until(text: string, start: number, sign: string): Span | undefined {
  const length = text.slice(start, start + LONGEST_VALUE).indexOf(sign);
  const end = start + length;
  return length > 0 && !isPlain(text.slice(start, end)) ? { start, end } : undefined;
}

/** Matches placeholders and words that stand in the place of a secret and are none. */
const PLAIN =
  /^(?:\[redacted\]?|[*•.…x_-]+|<[^<>]*>?|\$\{?\w+\}?|\(?(?:a|an|any|and|are|as|at|bad|bearer|but|cannot|denied|disabled|does|empty|enabled|expected|expired|failed|false|for|found|from|has|in|incorrect|invalid|is|it|malformed|missing|must|nil|no|none|not|null|ok|on|or|permission|please|provided|refused|rejected|required|revoked|set|should|string|the|this|to|too|true|try|undefined|unknown|unset|unspecified|valid|was|with|wrong|yes|you|your)\)?)[,;.:!)]?$/i;

function isPlain(value: string): boolean {
  return !/[\p{L}\p{N}]/u.test(value) ? value.length < 6 : value.length < 64 && PLAIN.test(value);
}

/** `tokens=100` is a number of tokens, not a token. */
export function isCount(name: string, value: string): boolean {
  return /s$/i.test(name) && /^\d{1,9}$/.test(value);
}

const LONGEST_WORD = 20;

/** @returns whether nobody would write this word in a sentence. */
function looksMade(value: string): boolean {
  return value.length >= LONGEST_WORD || /\d|[a-z][A-Z]|[A-Za-z0-9][^\w\s'’]+[A-Za-z0-9]|_/.test(value);
}

const TOKENS = [
  /\b(?:sk|pk|rk)[-_](?=[\w-]{0,64}\d)[\w-]{8,}/g,
  /\bsk-[\w-]{16,}/g,
  /\bgh[pousr]_\w{8,}/g,
  /\bgithub_pat_\w{8,}/g,
  /\bgl(?:pat|ptt|dt|rt|soat|cbt)-[\w-]{8,}/g,
  /\bx(?:ox[abeoprs]|app)-[\w-]{8,}/g,
  /\bA(?:KIA|SIA)[0-9A-Z]{12,}/g,
  /\bAIza[\w-]{20,}/g,
  /\bya29\.[\w-]{16,}/g,
  /\bGOCSPX-[\w-]{16,}/g,
  /\b(?:npm|hf|gsk|r8|lin_api|ntn|figd|whsec|sbp|phx|glsa|dop_v1|shpat|shpss|shpca|sntrys|sntryu|rubygems|pul|tfp|doo_v1|dckr_pat)_[\w-]{16,}/g,
  /\b(?:xai|nvapi|tvly|pplx|pypi|fo1|key|dp\.pt)-?(?=[\w-]{0,64}\d)(?<=-)[\w-]{20,}/g,
  /\bSG\.[\w-]{16,}\.[\w-]{16,}/g,
  /\bhv[sb]\.[\w-]{20,}/g,
  /\bATATT3[\w=-]{20,}/g,
  /\bAGE-SECRET-KEY-1\w{20,}/g,
  /\beyJ[\w-]{8,8192}(?:\.[\w-]*){0,4}/g,
];
const SCHEME_AND_TOKEN = /\b(Bearer|Basic)(\s{1,8})([\w.~+/-]{6,}={0,2}(?![\w=]))/gi;
const ORDINARY_WORD = /^[a-z-]{1,15}[.]?$|^[A-Z]?[a-z]{1,15}[.]?$/;

/** Removes tokens that are known by their beginning, and tokens behind the name of a scheme. */
function tokens(text: string): string {
  let clean = text.replace(SCHEME_AND_TOKEN, (all: string, scheme: string, gap: string, token: string) =>
    ORDINARY_WORD.test(token) ? all : `${scheme}${gap}${REDACTED}`,
  );
  for (const token of TOKENS) clean = clean.replace(token, REDACTED);
  return clean;
}

const ADDRESS = /\b[a-z][a-z0-9+.-]{0,20}:\/\//gi;
const LONGEST_USER_INFO = 512;

/** Removes passwords from URLs, and from `user:password@host` without a scheme. */
function userInfo(text: string, take?: Take): string {
  let clean = '';
  let from = 0;
  ADDRESS.lastIndex = 0;
  for (let scheme = ADDRESS.exec(text); scheme; scheme = ADDRESS.exec(text)) {
    const start = scheme.index + scheme[0].length;
    const span = passwordAt(text, start);
    if (!span) continue;
    take?.(text.slice(span.start, span.end));
    clean += text.slice(from, span.start) + REDACTED;
    from = ADDRESS.lastIndex = span.end;
  }
  return (clean + text.slice(from)).replace(
    LOOSE_USER,
    (all, user: string, password: string, host: string) => {
      if (!isLoosePassword(user, password, host)) return all;
      take?.(password);
      return `${user}:${REDACTED}@${host}`;
    },
  );
}

function passwordAt(text: string, start: number): Span | undefined {
  const run = /^[^\s"'`<>\\]*/.exec(text.slice(start, start + LONGEST_USER_INFO))?.[0] ?? '';
  const path = run.search(/[/?#]/);
  const authority = path < 0 ? run : run.slice(0, path);
  let at = authority.lastIndexOf('@');
  const colon = authority.indexOf(':');
  // A password may hold a slash, though it should be spelt %2F; `host:80/@scope` has no password.
  if (at < 0 && colon >= 0 && !/^:\d{2,5}$/.test(authority.slice(colon))) at = run.lastIndexOf('@');
  if (at < 0) return undefined;
  if (colon >= 0 && colon < at)
    return at - colon > 1 ? { start: start + colon + 1, end: start + at } : undefined;
  const user = run.slice(0, at);
  return user.length >= 16 && /\d/.test(user) ? { start, end: start + at } : undefined;
}

const LOOSE_USER =
  /(?<![\w/:@.-])([A-Za-z][\w.-]{0,40}):((?!\/\/)[^\s:@"'`\\[\]]{3,128})@([A-Za-z0-9][\w.-]{0,120}(?::\d{2,5}\b)?)/g;
const NO_USER =
  /^(?:mailto|e?-?mail|from|to|cc|bcc|sips?|xmpp|acct|contact|author|by|npm|jsr|pkg|patch|workspace|file|node|reply-to|account|owner|maintainer)$/i;
const HOST =
  /^(?:localhost|(?:\d{1,3}\.){3}\d{1,3}|(?:[\w-]+\.)+[A-Za-z]{2,24}|(?!sha\d)[A-Za-z][\w-]*:\d{2,5})(?::\d{2,5})?$/;
const USERS = /^(?:user|root|admin|postgres|mysql|guest|sa|redis|default|test|db|app)$/i;

function isLoosePassword(user: string, password: string, host: string): boolean {
  if (NO_USER.test(user) || /^sha\d/.test(host)) return false;
  return (
    HOST.test(host.replace(/\.$/, '')) ||
    (/^[A-Za-z]/.test(host) && (/[\d!#$%^&*]/.test(password) || USERS.test(user)))
  );
}

const BEGIN = '-----BEGIN ';
const END = /-----END [A-Z0-9 ]{0,60}-----/g;
/** Matches the characters inside such a block, with line ends as they are spelt in JSON. */
const INNER = /[A-Za-z0-9+/=\s\\]/;
const LONGEST_BLOCK = 64 * 1024;
const LONGEST_LINE = 76;

/** Removes keys over several lines, also if the text begins or ends within one. */
function pemBlocks(text: string): string {
  if (!text.includes('-----')) return text;
  let clean = '';
  let from = 0;
  END.lastIndex = 0;
  for (;;) {
    const begin = text.indexOf(BEGIN, from);
    const end = END.exec(text);
    if (end && (begin < 0 || end.index < begin)) {
      clean += headOfCut(text.slice(from, end.index)) + REDACTED;
      from = END.lastIndex;
    } else if (begin < 0) return clean + text.slice(from);
    else if (end && end.index - begin <= LONGEST_BLOCK) {
      clean += text.slice(from, begin) + REDACTED;
      from = END.lastIndex;
    } else {
      clean += text.slice(from, begin) + REDACTED;
      from = END.lastIndex = endOfCut(text, begin + BEGIN.length);
    }
  }
}

/** Keeps the text before the lines of a block whose beginning is missing. */
function headOfCut(text: string): string {
  let start = text.length;
  while (start > 0 && INNER.test(text[start - 1] as string)) start--;
  const lines = text.slice(start).split('\n');
  // Words are made of the same letters: only lines as long as those of a block go, and the rest of the last one.
  let first = lines.length - 1;
  while (first > 0 && (lines[first] as string).trim() === '') first--;
  while (first > 0 && isBlockLine(lines[first - 1] as string)) first--;
  const kept = lines.slice(0, first);
  return text.slice(0, start) + kept.map((line) => `${line}\n`).join('');
}

/** Finds the end of the lines of a block whose end is missing. */
function endOfCut(text: string, begin: number): number {
  let at = begin;
  const head = /[A-Z0-9 ]{0,60}(?:-----)?/y;
  head.lastIndex = at;
  at += head.exec(text)?.[0].length ?? 0;
  const most = Math.min(text.length, at + LONGEST_BLOCK);
  let end = at;
  while (end < most) {
    const line = /(?:\\[rn])*\s*(?:[A-Za-z0-9+/=\\]{1,16384}|(?:Proc-Type|DEK-Info): [\w,.-]{1,100})/y;
    line.lastIndex = end;
    const found = line.exec(text)?.[0];
    if (found === undefined) break;
    // A short line is the last of the block, unless it is a word.
    const body = found.trim();
    if (!isBlockLine(body) && !/^(?:Proc-Type|DEK-Info)|[\d+/=\\]/.test(body)) break;
    end += found.length;
  }
  return text[end] === '"' ? beforeEscapes(text, at, end) : end;
}

function isBlockLine(line: string): boolean {
  const body = line.trim();
  return (
    body.length > 40 && body.length <= LONGEST_LINE && /^[A-Za-z0-9+/=]+$/.test(body) && /[A-Z]/.test(body)
  );
}
