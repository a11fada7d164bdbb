/** Turns zod's issues into problems with a place, an expectation and what was found instead. */
import type * as z from 'zod';

import type { ConfigProblem } from '../config-error.ts';
import type { IssueParams } from './fields.ts';
import { problemAt } from '../text/parsed-text.ts';
import { type ConfigNode, nodeAt, type NodePath, pathText, placeAt } from '../text/tree.ts';
import { hasVariables } from '../variables.ts';

/** `root` is the tree as written, variables not expanded; `prefix` is the path that leads to it. */
export function issueProblem(issue: z.core.$ZodIssue, root: ConfigNode, prefix: NodePath): ConfigProblem {
  const path = issue.path.map((segment) => (typeof segment === 'number' ? segment : String(segment)));
  const full = [...prefix, ...path];
  const params: IssueParams = (issue.code === 'custom' ? issue.params : undefined) ?? {};
  const place = placeAt(root, path, params.atKey);
  if (params.complete) return problemAt(place, pathText(full), issue.message);
  const node = nodeAt(root, path);
  // A guess from what a variable held would show it.
  const telling = node?.kind === 'scalar' && typeof node.value === 'string' && !hasVariables(node.value);
  const guess = params.guess === undefined || !telling ? '' : `. Did you mean "${params.guess}"?`;
  const found = describe(node, isSecret(full));
  return problemAt(place, pathText(full), `${issue.message}, got ${found}${guess}`);
}

/** Describes what was found; never shows a value that could be a secret. */
function describe(node: ConfigNode | undefined, secret: boolean): string {
  if (node === undefined) return 'nothing';
  if (node.kind !== 'scalar') return `a ${node.kind}`;
  if (node.value === null) return 'nothing (null)';
  if (typeof node.value === 'string') {
    if (secret && node.value !== '') return 'text';
    const value = JSON.stringify(node.value.length > 60 ? `${node.value.slice(0, 60)}…` : node.value);
    return hasVariables(node.value) ? `what ${value} stands for` : value;
  }
  return secret ? `a ${typeof node.value === 'number' ? 'number' : 'switch'}` : String(node.value);
}

/** Paths whose values people keep secrets in. */
function isSecret(path: NodePath): boolean {
  return path.some((segment) => secretKeys.has(String(segment)));
}

const secretKeys: ReadonlySet<string> = new Set(['env', 'headers', 'tokens', 'args', 'url']);
