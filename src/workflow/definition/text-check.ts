/** Compiles the expressions of a definition, and looks up their references. */
import type { Expression } from '../../expression/compile.ts';
import { ExpressionError } from '../../expression/expression-error.ts';
import { listed, nearest } from '../../core/nearest.ts';
import { compileTemplate, type Template, type TemplateProblem } from '../../expression/template.ts';
import { isObject, type JsonObject } from '../../json/json.ts';
import type { CheckContext } from './check-context.ts';
import { joinPaths, type Problem } from './problem.ts';

export class TextCheck {
  readonly #value: JsonObject;
  readonly #ids: readonly string[];
  readonly #context: CheckContext;
  readonly #problems: Problem[];

  /** @param ids of the steps; `problems` is added to. */
  constructor(
    {
      value,
      ids,
      problems,
    }: { readonly value: JsonObject; readonly ids: readonly string[]; readonly problems: Problem[] },
    context: CheckContext,
  ) {
    this.#value = value;
    this.#ids = ids;
    this.#problems = problems;
    this.#context = context;
  }

  expression(text: unknown, path: string, scope: readonly string[]): Expression | undefined {
    if (typeof text !== 'string') return undefined;
    const [, inner] = /^\s*\$\{\{([\s\S]*)\}\}\s*$/.exec(text) ?? [];
    if (inner !== undefined) {
      this.problem(path, 'here stands a bare expression, without ${{ }}', {
        fix: JSON.stringify(inner.trim()),
      });
      return undefined;
    }
    try {
      const expression = this.#compiled(text, scope);
      this.#checkReferences(expression, path, false);
      return expression;
    } catch (error) {
      if (!(error instanceof ExpressionError)) throw error;
      this.#expressionProblem(path, error, false);
      return undefined;
    }
  }

  template(value: unknown, path: string, scope: readonly string[]): Template {
    const found: TemplateProblem[] = [];
    const template = compileTemplate(value, (text) => this.#compiled(text, scope), found);
    for (const { path: inner, error } of found) this.#expressionProblem(joinPaths(path, inner), error, true);
    for (const { path: inner, expression } of template.expressions)
      this.#checkReferences(expression, joinPaths(path, inner), true);
    return template;
  }

  #compiled(text: string, variables: readonly string[]): Expression {
    const { untrusted, limits, compile } = this.#context;
    return compile(text, { variables, deadlineMs: untrusted ? limits.evaluationMs : undefined });
  }

  #expressionProblem(path: string, error: ExpressionError, inTemplate: boolean): void {
    const { text, message } = error;
    // A model writes the step's own name where `steps.` goes first.
    const [, name = ''] = /^there is no "(\w+)" here/.exec(message) ?? [];
    const known = this.#ids.includes(name)
      ? `steps.${name}`
      : this.#inputNames().includes(name)
        ? `input.${name}`
        : undefined;
    const fixed =
      known === undefined ? error.fix : text.replace(new RegExp(`(?<![\\w.])${name}(?!\\w)`), known);
    const whole =
      fixed !== undefined && (known !== undefined || !fixed.includes(' ') || sharesWords(fixed, text));
    const fix = whole && inTemplate ? `\${{ ${fixed} }}` : fixed;
    this.problem(path, `${message} (in: ${text.slice(0, 200)})`, fix === undefined ? {} : { fix });
  }

  #checkReferences({ references, text }: Expression, path: string, inTemplate: boolean): void {
    const wrap = (fixed: string): string => (inTemplate ? `\${{ ${fixed} }}` : JSON.stringify(fixed));
    for (const { path: parts, tested } of references) {
      const [root, id, field] = parts;
      if (root === 'input' && id !== undefined) this.#checkInput(id, text, path, wrap, tested);
      if (root !== 'steps') continue;
      if (id === undefined) {
        this.problem(path, 'a step is referred to by its name, as in steps.find.output', {
          fix: wrap('steps.NAME.output'),
        });
        continue;
      }
      if (!this.checkId(id, path, (near) => wrap(text.replaceAll(`steps.${id}`, `steps.${near}`)))) continue;
      if (field === undefined || STEP_FIELDS.includes(field)) continue;
      const near = nearest(field, STEP_FIELDS);
      // An unknown field of a step is meant to be a field of its output.
      const meant = near === undefined ? `steps.${id}.output.${field}` : `steps.${id}.${near}`;
      this.problem(path, `a step has ${STEP_FIELDS.join(', ')}, and no "${field}"`, {
        ...(near !== undefined && { nearest: near }),
        fix: wrap(text.replaceAll(`steps.${id}.${field}`, meant)),
      });
    }
  }

  #checkInput(
    name: string,
    text: string,
    path: string,
    wrap: (fixed: string) => string,
    tested: boolean,
  ): void {
    const names = this.#inputNames();
    const schema = this.#value['input'];
    const open =
      isObject(schema) && (schema['additionalProperties'] !== undefined || !isObject(schema['properties']));
    if (open || names.includes(name) || tested) return;
    const near = nearest(name, names);
    const message =
      schema === undefined
        ? 'the workflow declares no "input"'
        : `the input has no "${name}"; it has: ${listed(names)}`;
    this.problem(path, message, {
      ...(near !== undefined && { nearest: near }),
      fix:
        near === undefined
          ? `"input": { "type": "object", "properties": { "${name}": {} } }`
          : wrap(text.replaceAll(`input.${name}`, `input.${near}`)),
    });
  }

  #inputNames(): readonly string[] {
    const schema = this.#value['input'];
    return isObject(schema) && isObject(schema['properties']) ? Object.keys(schema['properties']) : [];
  }

  checkId(id: string, path: string, fixed: (near: string) => string = JSON.stringify): boolean {
    if (this.#ids.includes(id)) return true;
    const near = nearest(id, this.#ids);
    this.problem(path, `there is no step "${id}"; there are: ${listed(this.#ids)}`, {
      ...(near !== undefined && { nearest: near, fix: fixed(near) }),
    });
    return false;
  }

  /** Adds each problem once. */
  problem(path: string, message: string, more: Omit<Problem, 'path' | 'message'> = {}): void {
    if (!this.#problems.some((known) => known.path === path && known.message === message))
      this.#problems.push({ path, message, ...more });
  }
}

const STEP_FIELDS = ['output', 'status', 'error', 'errors', 'raw', 'attempts', 'duration_ms'];

/** The fix is an expression, and not a sentence about one. */
function sharesWords(fix: string, text: string): boolean {
  const words = text.match(/\w+/g) ?? [];
  return (
    words.filter((word) => fix.includes(word)).length * 2 > words.length &&
    !/^(Use|Write|Compare|Make|Do|Test|Convert|If|CEL|Here|There)\b/.test(fix)
  );
}
