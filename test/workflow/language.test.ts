/** The trial of the language: tasks with a reference solution; typical mistakes whose error text holds the fix. */
import { describe, expect, test } from 'vitest';
import { createCompile } from '../../src/expression/compile.ts';
import { checkDefinition } from '../../src/workflow/definition/check-definition.ts';
import { problemText } from '../../src/workflow/definition/problem.ts';
import { DEFAULT_LIMITS } from '../../src/workflow/limits.ts';
import type { ToolInfo } from '../../src/workflow/tools.ts';
import { MISTAKES, TASKS, TOOL_SCHEMAS } from '../fixtures/workflow/tasks.ts';

const compile = createCompile();
const infos = new Map<string, ToolInfo>(
  Object.entries(TOOL_SCHEMAS).map(([name, inputSchema]) => [
    name,
    { server: 's', health: 'ready', annotations: {}, inputSchema, safeToRepeat: false },
  ]),
);

function errorsOf(definition: unknown): readonly string[] {
  const tools = { get: (name: string) => infos.get(name), names: () => infos.keys() };
  const context = { tools, saved: ['triage'], limits: DEFAULT_LIMITS, compile, untrusted: true };
  return checkDefinition(definition, context).problems.map(problemText);
}

describe('reference solutions', () => {
  test.each(Object.keys(TASKS))('%s', (words) => {
    expect(errorsOf(TASKS[words])).toEqual([]);
  });
});

describe('typical mistakes name their fix', () => {
  test.each(MISTAKES.map((mistake) => [mistake.what, mistake] as const))(
    '%s',
    (_what, { definition, fix }) => {
      const errors = errorsOf(definition);
      expect(errors.join('\n')).toContain(fix);
      // One mistake is one error, or the model repairs what is not broken.
      expect(errors).toHaveLength(1);
    },
  );

  test('ten mistakes in one definition give all ten errors, each with its place', () => {
    const errors = errorsOf({
      nam: 'x',
      timeout: '5 minutes',
      on_error: 'roll_back',
      steps: [
        { id: 'a', tool: 'search_issues', with: { q: 'x' } },
        { id: 'b', tool: 'github__search_issues', with: { q: 'x', n: '5' } },
        { id: 'c', tool: 'github__search_issues', args: {}, with: { q: 'x' } },
        { id: 'd', set: { x: '${{ steps.aa.output }}' } },
        { id: 'e', set: { x: '${{ 1 = 2 }}' }, after: ['dd'] },
        { id: 'e', set: { x: 1 } },
      ],
    });
    const places = [
      'nam:',
      'timeout:',
      'on_error:',
      'steps[0].tool:',
      'steps[1].with.n:',
      'steps[2].args:',
      'steps[3].set.x:',
      'steps[4].set.x:',
      'steps[4].after[0]:',
      'steps[5].id:',
    ];
    expect(errors).toHaveLength(10);
    for (const place of places)
      expect(
        errors.filter((error) => error.startsWith(place)),
        place,
      ).toHaveLength(1);
  });
});
