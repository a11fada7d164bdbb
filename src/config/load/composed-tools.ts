/** `tools`: one tool over several different ones, checked as far as one can without asking a server. */
import type { ConfigProblem } from '../config-error.ts';
import { problemAt } from '../text/parsed-text.ts';
import type { ComposedToolConfig } from '../config.ts';
import { type ConfigNode, type NodePath, pathText, placeAt } from '../text/tree.ts';

type FilledTool = Omit<ComposedToolConfig, 'name'>;

/** Finds what is wrong with a value's templates, by the path within the value. Expressions are not this folder's business. */
export type TemplateCheck = (
  value: unknown,
) => readonly { readonly path: string; readonly message: string }[];

export function readComposedTools(
  inputs: ReadonlyMap<string, FilledTool>,
  root: ConfigNode,
  check: TemplateCheck,
): { readonly tools: readonly ComposedToolConfig[]; readonly problems: readonly ConfigProblem[] } {
  const problems: ConfigProblem[] = [];
  const tools: ComposedToolConfig[] = [];
  for (const [name, input] of inputs) {
    const path = ['tools', name];
    if (!/^[A-Za-z0-9_-]{1,128}$/.test(name))
      tell(path, 'expected a name of letters, digits, "_" and "-"', true);
    if (input.targets.length === 0)
      tell([...path, 'targets'], 'expected at least one target, got an empty list');
    const circle = circleFrom(name, inputs);
    if (circle) tell(path, `leads back to itself: ${circle.join(' → ')}`, true);
    for (const [index, { arguments: args }] of input.targets.entries()) {
      const at = [...path, 'targets', index, 'arguments'];
      for (const { path: where, message } of check(args)) {
        const full = `${pathText(at)}${where.startsWith('[') ? '' : '.'}${where}`;
        problems.push(problemAt(placeAt(root, at), full, message));
      }
    }
    tools.push({ name, ...input });
  }
  return { tools, problems };

  function tell(path: NodePath, message: string, atKey = false): void {
    problems.push(problemAt(placeAt(root, path, atKey), pathText(path), message));
  }
}

/** The way from a composed tool back to itself, if there is one. */
function circleFrom(start: string, tools: ReadonlyMap<string, FilledTool>): readonly string[] | undefined {
  const seen = new Set<string>();
  const follow = (name: string, way: readonly string[]): readonly string[] | undefined => {
    for (const { tool } of tools.get(name)?.targets ?? []) {
      if (tool === start) return [...way, tool];
      if (seen.has(tool)) continue;
      seen.add(tool);
      const found = follow(tool, [...way, tool]);
      if (found) return found;
    }
    return undefined;
  };
  return follow(start, [start]);
}
