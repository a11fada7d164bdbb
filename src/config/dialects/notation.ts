/** Translates a client's notation of variables to ours. */
import { envValue, pathsOf } from '../folders.ts';
import { escapeVariables } from '../variables.ts';
import type { ClientContext } from './client-dialect.ts';
import { SkipServer } from './read-servers.ts';

/** Writes one of the client's strings in our notation. @throws SkipServer if the client alone could answer it. */
export type Notation = (text: string) => string;

/** The notation of clients that expand nothing. */
export const literal: Notation = escapeVariables;

/** A match's replacement: text as it is, or a variable in our notation with what it stands for right now. */
export type Replacement =
  | { readonly text: string }
  | { readonly variable: string; readonly value: string }
  /** The client leaves it alone. */
  | undefined;

/** Replaces what the pattern matches and escapes everything else. */
export function notation(pattern: RegExp, replace: (match: RegExpExecArray) => Replacement): Notation {
  return (text) => {
    let written = '';
    let plain = '';
    let at = 0;
    for (const match of text.matchAll(new RegExp(pattern, 'g'))) {
      plain += text.slice(at, match.index);
      at = match.index + match[0].length;
      const replacement = replace(match);
      if (replacement === undefined) plain += match[0];
      else if ('text' in replacement) plain += replacement.text;
      // A "$" right before our "${" would make it a literal.
      else if (plain.endsWith('$')) plain += replacement.value;
      else {
        written += escapeVariables(plain) + replacement.variable;
        plain = '';
      }
    }
    return written + escapeVariables(plain + text.slice(at));
  };
}

/** A variable of the environment, or `otherwise` if it is not set. */
export function envVariable(context: ClientContext, name: string, otherwise: Replacement): Replacement {
  const value = envValue(context, name);
  return value === undefined ? otherwise : { variable: `\${env:${name}}`, value };
}

/** `${env:X}`, `${workspaceFolder}`, `${userHome}` and their kin, as VS Code and the editors made from it have them. */
export function editorNotation(context: ClientContext, input?: (id: string) => Replacement): Notation {
  const folder = context.projectFolder ?? context.cwd;
  const paths = pathsOf(context.platform);
  const fixed: ReadonlyMap<string, Replacement> = new Map<string, Replacement>([
    ['userHome', { variable: '${userHome}', value: context.homeDir }],
    ['workspaceFolder', { text: folder }],
    ['workspaceFolderBasename', { text: paths.basename(folder) }],
    ['pathSeparator', { text: paths.sep }],
    ['/', { text: paths.sep }],
  ]);
  return notation(/\$\{(?:(env|input|config|command):)?([^{}]+)\}/, ([, kind, name = '']) => {
    const isOpenFolder = kind === undefined && name.startsWith('workspaceFolder');
    if (isOpenFolder && context.projectFolder === undefined && context.moves === true)
      throw new SkipServer(
        `it needs \${${name}}, another folder with each project that is open in the client`,
      );
    if (kind === undefined) return fixed.get(name);
    if (kind === 'env') return envVariable(context, name, { text: '' });
    const answer = kind === 'input' ? input?.(name) : undefined;
    if (answer !== undefined) return answer;
    throw new SkipServer(`it needs \${${kind}:${name}}, which only the client can answer`);
  });
}
