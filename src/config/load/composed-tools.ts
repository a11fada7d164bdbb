/** `tools`: one tool over several different ones, checked as far as one can without asking a server. */
import type * as z from 'zod';
import type { ConfigProblem } from '../config-error.ts';
import { problemAt } from '../text/parsed-text.ts';
import type { ComposedToolConfig } from '../resilience-config.ts';
import type { composedTool } from '../schema/resilience-schema.ts';
import { type ConfigNode, type NodePath, pathText, placeAt } from '../text/tree.ts';

export type ComposedToolInput = z.output<typeof composedTool>;

/** What is wrong with a value's templates, by the path within it. Expressions are not this folder's business. */
export type TemplateCheck = (
  value: unknown,
) => readonly { readonly path: string; readonly message: string }[];

const DEADLINE_MS = 10_000;

export function readComposedTools(
  inputs: ReadonlyMap<string, ComposedToolInput>,
  root: ConfigNode,
  check: TemplateCheck,
): { readonly tools: readonly ComposedToolConfig[]; readonly problems: readonly ConfigProblem[] } {
  const problems: ConfigProblem[] = [];
  const tools: ComposedToolConfig[] = [];
  for (const [name, input] of inputs) {
    const path = ['tools', name];
    const {
      description,
      inputSchema = { type: 'object', additionalProperties: true },
      strategy = 'first',
      deadlineMs = DEADLINE_MS,
    } = input;
    if (!/^[A-Za-z0-9_-]{1,128}$/.test(name))
      tell(path, 'expected a name of letters, digits, "_" and "-"', true);
    if (input.targets.length === 0)
      tell([...path, 'targets'], 'expected at least one target, got an empty list');
    const circle = circleFrom(name, inputs);
    if (circle) tell(path, `leads back to itself: ${circle.join(' → ')}`, true);
    const targets = input.targets.map(({ tool, arguments: args = {} }, index) => {
      for (const { path: where, message } of check(args)) {
        const at = [...path, 'targets', index, 'arguments'];
        problems.push(
          problemAt(placeAt(root, at), `${pathText(at)}${where.startsWith('[') ? '' : '.'}${where}`, message),
        );
      }
      return { tool, arguments: args };
    });
    tools.push({ name, description, inputSchema, strategy, deadlineMs, targets });
  }
  return { tools, problems };

  function tell(path: NodePath, message: string, atKey = false): void {
    problems.push(problemAt(placeAt(root, path, atKey), pathText(path), message));
  }
}

/** The way from a composed tool back to itself, if there is one. */
function circleFrom(
  start: string,
  tools: ReadonlyMap<string, ComposedToolInput>,
): readonly string[] | undefined {
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
