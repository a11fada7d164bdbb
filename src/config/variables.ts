/**
 * Variables in the strings of our own files:
 * `${NAME}`, `${NAME:-default}`, `${env:NAME}`, `${file:PATH}`, `${userHome}`, `${workspaceFolder}`.
 *
 * `$${NAME}` is the literal text `${NAME}`. `${{ … }}` is an expression for others and passes untouched.
 * Defaults and paths may hold variables themselves. A default is taken where the variable is unset or empty,
 * as in a shell.
 */
import { messageOf } from '../core/errors.ts';
import { asText } from '../core/text-encoding.ts';

export interface VariableScope {
  /** A variable of the environment; undefined if it is not set. */
  readonly variable: (name: string) => string | undefined;
  /** The text of a file, the path as written. @throws if it cannot be read. */
  readonly readFile: (path: string) => string;
  readonly userHome: string;
  readonly workspaceFolder: string;
}

export interface Expansion {
  readonly text: string;
  /** One sentence each. They name variables and files, never values. */
  readonly errors: readonly string[];
}

export function expandVariables(text: string, scope: VariableScope): Expansion {
  const errors: string[] = [];
  const expanded = parts(text)
    .map((part) => {
      if (part.kind === 'text') return part.text;
      if (part.kind === 'variable') return value(part.body);
      errors.push('a "${" has no "}". Write "$${" for the text itself.');
      return '';
    })
    .join('');
  return { text: expanded, errors };

  function value(body: string): string {
    if (body === 'userHome') return scope.userHome;
    if (body === 'workspaceFolder') return scope.workspaceFolder;
    if (body.startsWith('file:')) return fileText(body.slice('file:'.length));
    const match = /^(env:)?(.+?)(?::-([\s\S]*))?$/.exec(body);
    const name = match?.[2] ?? '';
    if (match?.[1] === undefined ? !/^[A-Za-z_]\w*$/.test(name) : name.includes('${')) {
      errors.push(
        `"\${${body.split(':-', 1).join('')}}" is no variable that Switchyard knows. Write "$\${" for the text itself.`,
      );
      return '';
    }
    const found = scope.variable(name);
    const fallback = match?.[3];
    if (fallback !== undefined) return found === undefined || found === '' ? inner(fallback) : found;
    if (found !== undefined) return found;
    errors.push(`the variable "${name}" is not set. Set it, or write \${${name}:-default}.`);
    return '';
  }

  function fileText(path: string): string {
    const target = inner(path);
    try {
      return asText(scope.readFile(target)).replace(/\r?\n$/, '');
    } catch (error) {
      errors.push(`the file "${path}" cannot be read (${errorCode(error)}).`);
      return '';
    }
  }

  function inner(nested: string): string {
    const expansion = expandVariables(nested, scope);
    errors.push(...expansion.errors);
    return expansion.text;
  }
}

/** Tells whether expanding could change the text. */
export function hasVariables(text: string): boolean {
  return parts(text).some((part) => part.kind !== 'text');
}

/** The text with its escapes undone, or as it is if there are variables in it. */
export function unescapeVariables(text: string): string {
  if (hasVariables(text)) return text;
  return parts(text)
    .map((part) => (part.kind === 'text' ? part.text : ''))
    .join('');
}

/** Writes a text so that expanding it gives the text back. */
export function escapeVariables(text: string): string {
  let escaped = '';
  for (let at = 0; at < text.length;) {
    const expression = expressionEnd(text, at);
    if (expression !== undefined) {
      escaped += text.slice(at, expression);
      at = expression;
    } else if (text.startsWith('${', at)) {
      escaped += '$${';
      at += 2;
    } else {
      escaped += text.charAt(at);
      at += 1;
    }
  }
  return escaped;
}

type Part =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'variable'; readonly body: string }
  | { readonly kind: 'unclosed' };

function parts(text: string): Part[] {
  const found: Part[] = [];
  let at = 0;
  while (at < text.length) {
    const dollar = text.indexOf('$', at);
    if (dollar === -1) break;
    if (dollar > at) found.push({ kind: 'text', text: text.slice(at, dollar) });
    at = dollar;
    const expression = expressionEnd(text, at);
    if (expression !== undefined) {
      found.push({ kind: 'text', text: text.slice(at, expression) });
      at = expression;
    } else if (text.startsWith('$${', at) && !text.startsWith('$${{', at)) {
      found.push({ kind: 'text', text: '${' });
      at += 3;
    } else if (text.startsWith('${', at)) {
      const end = closingBrace(text, at + 2);
      if (end === undefined) return [...found, { kind: 'unclosed' }];
      found.push({ kind: 'variable', body: text.slice(at + 2, end) });
      at = end + 1;
    } else {
      found.push({ kind: 'text', text: '$' });
      at += 1;
    }
  }
  return at < text.length ? [...found, { kind: 'text', text: text.slice(at) }] : found;
}

/** Finds the end of a `${{ … }}` that opens here; an unclosed expression ends with its opening. */
function expressionEnd(text: string, at: number): number | undefined {
  if (!text.startsWith('${{', at)) return undefined;
  const end = text.indexOf('}}', at + 3);
  return end === -1 ? at + 3 : end + 2;
}

function closingBrace(text: string, from: number): number | undefined {
  let depth = 1;
  for (let at = from; at < text.length; at += 1) {
    if (text[at] === '{') depth += 1;
    if (text[at] === '}') depth -= 1;
    if (depth === 0) return at;
  }
  return undefined;
}

/** `ENOENT` and its like: an error's own message would hold the whole path. */
export function errorCode(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string'
    ? error.code
    : messageOf(error);
}
