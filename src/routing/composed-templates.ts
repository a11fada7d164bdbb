/**
 * The arguments of composed tools: values with `${{ input.… }}` in their strings.
 *
 * Loaded when the first one is needed: most configs have none.
 */
import { createCompile } from '../expression/compile.ts';
import { compileTemplate, type Template, type TemplateProblem } from '../expression/template.ts';

/** Faults of a target's templates, by the path within its arguments. */
export function templateFaults(
  value: unknown,
): readonly { readonly path: string; readonly message: string }[] {
  const problems: TemplateProblem[] = [];
  compileAll([value], problems);
  return problems.map(({ path, error }) => ({
    path,
    message: `${error.message}${error.fix === undefined ? '' : ` ${error.fix}`}`,
  }));
}

/** Values that `templateFaults` found nothing wrong with. */
export function compileAll(
  values: readonly unknown[],
  problems: TemplateProblem[] = [],
): readonly Template[] {
  const compile = createCompile();
  return values.map((value) =>
    compileTemplate(value, (text) => compile(text, { variables: ['input'] }), problems),
  );
}
