/** One entry of `mcpServers`, from tree to checked input: variables, schema, paths, `envFile`. */
import type { ZodSafeParseResult } from 'zod';
import { asText } from '../../core/text-encoding.ts';
import type { ConfigProblem } from '../config-error.ts';
import { parseEnvFile } from './env-file.ts';
import { type ExpandedTree, expandTree, unescapeTree, variablePaths } from './expand-tree.ts';
import { pathsOf } from '../folders.ts';
import { issueProblem } from '../schema/issues.ts';
import { problemAt } from '../text/parsed-text.ts';
import {
  type DefaultsInput,
  defaultsSection,
  type ServerInput,
  serverSection,
} from '../schema/server-keys.ts';
import { zodOf } from '../schema/fields.ts';
import {
  child,
  type ConfigNode,
  nodeAt,
  type NodePath,
  pathText,
  placeAt,
  plainValue,
  type Source,
  withEntries,
} from '../text/tree.ts';
import { errorCode, type VariableScope, hasVariables } from '../variables.ts';

export interface InputContext {
  readonly scopeOf: (source: Source) => VariableScope;
  /** Absolute path -> text. @throws if it cannot be read. */
  readonly readFile: (path: string) => string;
  readonly platform: string;
  /** Takes an `envFile` that is not there; without it that is a problem. */
  readonly onMissingEnvFile?: (problem: ConfigProblem) => void;
}

export interface InputResult<Input> {
  /** Absent if anything is wrong with it. */
  readonly input?: Input;
  readonly disabled: boolean;
  readonly problems: readonly ConfigProblem[];
}

/**
 * A disabled server must not fail for what it would need when enabled: its variables are not expanded, its
 * `envFile` is not read. Whatever else is wrong with it is told.
 */
export function readServerInput(
  node: ConfigNode,
  path: NodePath,
  disabledByDefault: boolean,
  context: InputContext,
): InputResult<ServerInput> {
  const { value: disabled, problems } = readDisabled(node, path, disabledByDefault, context);
  if (disabled) {
    const input = parseUnexpanded(node);
    if (input.success) {
      const unread = input.data.cwd !== undefined && hasVariables(input.data.cwd);
      const rest = unread ? input.data : located(input.data, node, context);
      return { input: { ...rest, disabled }, disabled, problems };
    }
    const issues = input.error.issues.map((issue) => issueProblem(issue, node, path));
    return { disabled, problems: [...problems, ...issues] };
  }
  const expanded = expandTree(node, path, context.scopeOf);
  const parsed = zodOf(serverSection).safeParse(plainValue(expanded.node));
  const issues = parsed.success ? [] : parsed.error.issues.map((issue) => issueProblem(issue, node, path));
  const found = parsed.success ? withFiles(parsed.data, node, path, context) : undefined;
  const all = firstOfEachPath([...problems, ...expanded.problems, ...issues, ...(found?.problems ?? [])]);
  return all.length > 0 || found === undefined
    ? { disabled, problems: all }
    : { input: found.input, disabled, problems: all };
}

export function readDefaults(node: ConfigNode, context: InputContext): InputResult<DefaultsInput> {
  const path = ['defaults'];
  const expanded = expandTree(node, path, context.scopeOf);
  const parsed = zodOf(defaultsSection).safeParse(plainValue(expanded.node));
  const issues = parsed.success ? [] : parsed.error.issues.map((issue) => issueProblem(issue, node, path));
  const found = parsed.success ? withFiles(parsed.data, node, path, context) : undefined;
  const problems = firstOfEachPath([...expanded.problems, ...issues, ...(found?.problems ?? [])]);
  const disabled = found?.input.disabled ?? false;
  return found === undefined || problems.length > 0
    ? { disabled, problems }
    : { input: found.input, disabled, problems };
}

/** Keeps the first problem of each path: an unset variable also makes its text a bad number. */
export function firstOfEachPath(problems: readonly ConfigProblem[]): readonly ConfigProblem[] {
  const seen = new Set<string>();
  return problems.filter(({ file, path, message }) => {
    const id = JSON.stringify([file, path, path === '' ? message : '']);
    return !seen.has(id) && seen.add(id);
  });
}

function readDisabled(
  node: ConfigNode,
  path: NodePath,
  otherwise: boolean,
  context: InputContext,
): { readonly value: boolean; readonly problems: readonly ConfigProblem[] } {
  const own = child(node, 'disabled');
  if (own === undefined) return { value: otherwise, problems: [] };
  const { node: expanded, problems }: ExpandedTree = expandTree(own, [...path, 'disabled'], context.scopeOf);
  const value = plainValue(expanded);
  return { value: value === true || value === 'true', problems };
}

/** A value with an unexpanded variable may be anything: where its text does not fit, the key counts as not given. */
function parseUnexpanded(node: ConfigNode): ZodSafeParseResult<ServerInput> {
  const disabled = new Map([['disabled', undefined]]);
  const rest = node.kind === 'table' ? withEntries(node, disabled) : node;
  const result = zodOf(serverSection).safeParse(plainValue(unescapeTree(rest)));
  if (result.success) return result;
  const unknown = new Set(variablePaths(rest).map(pathText));
  const excused = result.error.issues
    .map((issue) => issue.path.map(segment))
    .filter((at) => unknown.has(pathText(at)));
  const kept = excused.reduce((tree, at) => withoutPath(tree, at), rest);
  return zodOf(serverSection).safeParse(plainValue(unescapeTree(kept)));
}

function withoutPath(node: ConfigNode, path: NodePath): ConfigNode {
  const [key, ...rest] = path;
  if (key === undefined) return node;
  if (node.kind === 'table') {
    const entry = node.entries.get(String(key));
    if (entry === undefined) return node;
    const kept = rest.length === 0 ? undefined : withoutPath(entry.node, rest);
    return withEntries(node, new Map([[String(key), kept]]));
  }
  if (node.kind !== 'list') return node;
  // An item goes as a whole: lists of the schema hold plain values.
  return { ...node, items: node.items.filter((_, index) => index !== key) };
}

function segment(key: PropertyKey): string | number {
  return typeof key === 'number' ? key : String(key);
}

/** Relative paths start from the folder of the file that they stand in; `env` wins over `envFile`. */
function withFiles<Input extends DefaultsInput>(
  input: Input,
  node: ConfigNode,
  path: NodePath,
  context: InputContext,
): { readonly input: Input; readonly problems: readonly ConfigProblem[] } {
  const { envFile } = input;
  const rest = located(input, node, context);
  if (envFile === undefined) return { input: rest, problems: [] };
  try {
    const file = pathsOf(context.platform).resolve(placeAt(node, ['envFile']).source.folder, envFile);
    const values = parseEnvFile(asText(context.readFile(file)));
    return { input: { ...rest, env: new Map([...values, ...(input.env ?? [])]) }, problems: [] };
  } catch (error) {
    const written = nodeAt(node, ['envFile']);
    const name = written?.kind === 'scalar' ? JSON.stringify(written.value) : 'the file';
    const message = `${name} cannot be read (${errorCode(error)})`;
    const place = placeAt(node, ['envFile']);
    const problem = problemAt(place, pathText([...path, 'envFile']), message);
    if (errorCode(error) !== 'ENOENT' || context.onMissingEnvFile === undefined) {
      return { input, problems: [problem] };
    }
    context.onMissingEnvFile(problem);
    return { input: rest, problems: [] };
  }
}

function located<Input extends DefaultsInput>(input: Input, node: ConfigNode, context: InputContext): Input {
  if (input.cwd === undefined) return input;
  return {
    ...input,
    cwd: pathsOf(context.platform).resolve(placeAt(node, ['cwd']).source.folder, input.cwd),
  };
}
