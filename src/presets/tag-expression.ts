/**
 * Choosing tools by their tags: `dev and not admin`, `(read or search) and not beta`.
 *
 * `not` binds closest, then `and`, then `or`. Words without regard to case; a tag that is one of the three words, or has
 * other characters in it, stands in quotes.
 */

export type TagTest = (tags: ReadonlySet<string>) => boolean;

class TagExpressionError extends Error {
  override readonly name = 'TagExpressionError';
}

export const MAX_LENGTH = 1000;
const MAX_DEPTH = 32;
/** A word, a quoted tag or a parenthesis. */
const TOKEN = /\s*(?:(?<sign>[()])|"(?<quoted>[^"]*)"|(?<word>[\p{L}\p{N}_.:/@-]+))/uy;

interface Token {
  readonly kind: 'sign' | 'tag' | 'operator';
  readonly text: string;
  /** From 1 on, as people count. */
  readonly place: number;
}

/** @throws TagExpressionError that says what is wrong and where. */
export function parseTagExpression(text: string): TagTest {
  if (text.length > MAX_LENGTH)
    throw new TagExpressionError(`the expression is longer than ${MAX_LENGTH} characters`);
  const tokens = tokensOf(text);
  if (tokens.length === 0)
    throw new TagExpressionError('the expression is empty: name a tag, as in "dev and not admin"');
  let next = 0;
  const test = either(0);
  const rest = tokens[next];
  if (rest) throw new TagExpressionError(unexpected(rest));
  return test;

  function either(depth: number): TagTest {
    return series(
      'or',
      () => both(depth),
      (tests) => (tags) => tests.some((one) => one(tags)),
    );
  }

  function both(depth: number): TagTest {
    return series(
      'and',
      () => single(depth),
      (tests) => (tags) => tests.every((one) => one(tags)),
    );
  }

  function series(
    word: string,
    read: () => TagTest,
    combine: (tests: readonly TagTest[]) => TagTest,
  ): TagTest {
    const first = read();
    const tests = [first];
    while (isOperator(tokens[next], word)) {
      next++;
      tests.push(read());
    }
    return tests.length === 1 ? first : combine(tests);
  }

  function single(depth: number): TagTest {
    const token = tokens[next++];
    const where = token ? `at ${token.place}` : 'at its end';
    if (depth > MAX_DEPTH)
      throw new TagExpressionError(`the expression is nested deeper than ${MAX_DEPTH} (${where})`);
    if (token?.kind === 'tag') return (tags) => tags.has(token.text);
    if (isOperator(token, 'not')) {
      const inner = single(depth + 1);
      return (tags) => !inner(tags);
    }
    if (token?.kind === 'sign' && token.text === '(') {
      const inner = either(depth + 1);
      const closing = tokens[next++];
      if (closing?.text !== ')' || closing.kind !== 'sign')
        throw new TagExpressionError(`the "(" at ${token.place} is not closed`);
      return inner;
    }
    throw new TagExpressionError(
      `expected a tag, "not" or "(" ${where}${token ? `, got "${token.text}"` : ''}`,
    );
  }
}

function tokensOf(text: string): Token[] {
  const tokens: Token[] = [];
  const end = text.trimEnd().length;
  TOKEN.lastIndex = 0;
  for (let at = 0; at < end; at = TOKEN.lastIndex) {
    TOKEN.lastIndex = at;
    const found = TOKEN.exec(text);
    if (!found) throw new TagExpressionError(unreadable(text, at));
    const { sign, quoted, word } = found.groups ?? {};
    const own = (sign ?? word ?? `"${quoted}"`).length;
    const place = TOKEN.lastIndex - own + 1;
    if (sign !== undefined) tokens.push({ kind: 'sign', text: sign, place });
    else if (quoted !== undefined) tokens.push({ kind: 'tag', text: quoted, place });
    else if (word !== undefined && /^(?:and|or|not)$/i.test(word))
      tokens.push({ kind: 'operator', text: word.toLowerCase(), place });
    else tokens.push({ kind: 'tag', text: word ?? '', place });
  }
  return tokens;
}

function isOperator(token: Token | undefined, word: string): boolean {
  return token?.kind === 'operator' && token.text === word;
}

function unexpected(token: Token): string {
  if (token.text === ')' && token.kind === 'sign') return `the ")" at ${token.place} closes nothing`;
  return `expected "and" or "or" at ${token.place}, got "${token.text}"`;
}

function unreadable(text: string, from: number): string {
  const at = from + (/^\s*/u.exec(text.slice(from))?.[0].length ?? 0);
  const sign = String.fromCodePoint(text.codePointAt(at) ?? 32);
  if (sign === '"') return `the quote at ${at + 1} is not closed`;
  const wanted = new Map([
    ['&', 'and'],
    ['|', 'or'],
    ['!', 'not'],
    [',', 'or'],
  ]).get(sign);
  return `"${sign}" at ${at + 1} is not part of a tag${wanted === undefined ? ': put the tag in quotes' : `: write "${wanted}"`}`;
}
