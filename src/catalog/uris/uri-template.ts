/**
 * Does a URI match an RFC 6570 template? Built for hostile templates: no backtracking and no regular expression
 * made of foreign text. Each part of a template maps the set of places reached so far to the set reached behind it,
 * in one pass over the URI.
 *
 * Generous on purpose, since it picks a server and does not extract values: `{x}` is any run without `/`, `?`
 * and `#`, a prefix length (`{x:3}`) is not counted, and `{x*}` may cross slashes, as several servers have it.
 */
export interface UriTemplate {
  readonly matches: (uri: string) => boolean;
  /** The number of literal characters: of two templates that match, the one with more is closer. */
  readonly literalLength: number;
  /** Every URI that matches begins and ends with these: most templates are ruled out by them at once. */
  readonly begins: string;
  readonly ends: string;
  readonly parts: number;
}

const MAX_URI_LENGTH = 8192;
const MAX_TEMPLATE_LENGTH = 2048;

/** @returns `undefined` where the text is no template, or longer than any honest one. */
export function parseUriTemplate(template: string): UriTemplate | undefined {
  if (template.length > MAX_TEMPLATE_LENGTH) return undefined;
  const parts: Part[] = [];
  let literalLength = 0;
  let from = 0;
  while (from < template.length) {
    const open = endOr(template.indexOf('{', from), template);
    const literal = template.slice(from, open);
    if (literal.includes('}')) return undefined;
    if (literal !== '') parts.push(literalPart(literal));
    literalLength += literal.length;
    if (open === template.length) break;
    const close = template.indexOf('}', open);
    const expression = close < 0 ? undefined : expressionParts(template.slice(open + 1, close));
    if (!expression) return undefined;
    parts.push(...expression);
    from = close + 1;
  }
  return {
    matches: (uri) => matchesParts(uri, parts),
    literalLength,
    begins: template.slice(0, endOr(template.indexOf('{'), template)),
    ends: template.slice(template.lastIndexOf('}') + 1),
    parts: parts.length,
  };
}

/** One mark for each place in the URI, the one behind its end included: reached or not. */
type Places = Uint8Array;
type Part = (uri: string, reached: Places) => Places;

function matchesParts(uri: string, parts: readonly Part[]): boolean {
  if (uri.length > MAX_URI_LENGTH) return false;
  let reached: Places = new Uint8Array(uri.length + 1);
  reached[0] = 1;
  for (const part of parts) {
    reached = part(uri, reached);
    if (!reached.includes(1)) return false;
  }
  return reached[uri.length] === 1;
}

const EXPRESSION =
  /^([+#./?&]?)((?:[A-Za-z0-9_.%-]+(?::[0-9]{1,4}|\*)?)(?:,[A-Za-z0-9_.%-]+(?::[0-9]{1,4}|\*)?)*)$/;

function expressionParts(expression: string): readonly Part[] | undefined {
  const [, operator, list] = EXPRESSION.exec(expression) ?? [];
  if (operator === undefined || list === undefined) return undefined;
  const variables = list.split(',');
  const exploded = variables.some((variable) => variable.endsWith('*'));
  const segment = runPart(exploded ? ANYTHING : SEGMENT);
  switch (operator) {
    case '+':
      return [runPart(ANYTHING)];
    case '#':
      return [optional([literalPart('#'), runPart(ANYTHING)])];
    case '?':
    case '&':
      return [queryPart(operator, exploded ? undefined : new Set(variables.map(withoutModifier)))];
    case '/':
    case '.':
      return exploded
        ? [optional([literalPart(operator), segment])]
        : variables.map(() => optional([literalPart(operator), segment]));
    default:
      return [segment];
  }
}

function withoutModifier(variable: string): string {
  return variable.replace(/:.*$/, '');
}

function literalPart(literal: string): Part {
  return (uri, reached) => {
    const next = new Uint8Array(reached.length);
    for (let i = 0; i + literal.length <= uri.length; i++)
      if (reached[i] === 1 && uri.startsWith(literal, i)) next[i + literal.length] = 1;
    return next;
  };
}

const SEGMENT = new Set('/?#');
const ANYTHING: ReadonlySet<string> = new Set();

/** One character or more, none of them an excluded one. */
function runPart(excluded: ReadonlySet<string>): Part {
  return (uri, reached) => {
    const next = new Uint8Array(reached.length);
    let running = false;
    for (let i = 0; i < uri.length; i++) {
      running = (running || reached[i] === 1) && !excluded.has(uri[i] ?? '');
      if (running) next[i + 1] = 1;
    }
    return next;
  };
}

function optional(parts: readonly Part[]): Part {
  return (uri, reached) => {
    const behind = parts.reduce((places, part) => part(uri, places), reached);
    return behind.map((mark, i) => mark | (reached[i] ?? 0));
  };
}

/** Nothing, or `?name=value&name=value` in any order; only from the first place that fits, for a URI has one query. */
function queryPart(lead: '?' | '&', names: ReadonlySet<string> | undefined): Part {
  return (uri, reached) => {
    const next = reached.slice();
    let i = reached.findIndex((mark, place) => mark === 1 && uri[place] === lead);
    while (i >= 0 && i < uri.length && uri[i] !== '#') {
      let end = i + 1;
      while (end < uri.length && uri[end] !== '&' && uri[end] !== '#') end++;
      const [name = ''] = uri.slice(i + 1, end).split('=', 1);
      if (names && !names.has(name)) break;
      next[end] = 1;
      i = end;
    }
    return next;
  };
}

/** The place that `indexOf` found, or the end of the text. */
function endOr(index: number, text: string): number {
  return index < 0 ? text.length : index;
}
