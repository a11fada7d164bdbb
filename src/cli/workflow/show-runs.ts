/** The subcommands of `switchyard workflow` that show saved workflows and runs. */
import type { Config } from '../../config/config.ts';
import { printExact } from '../../json/exact-json.ts';
import type { JsonObject } from '../../json/json.ts';
import { problemText } from '../../workflow/definition/problem.ts';
import type { Fact, RunView } from '../../workflow/run-view.ts';
import type { Workflows } from '../../workflow/workflows.ts';
import type { Input } from '../command.ts';
import type { Output } from '../terminal/output.ts';
import { plain } from '../terminal/sanitize.ts';
import { stepLines } from './run-tree.ts';

/** The arguments of a subcommand. */
export interface SubcommandInput {
  readonly input: Input;
  readonly config: Config;
  /** The words behind the subcommand in a subcommand. */
  readonly words: readonly string[];
}

export async function showSaved(
  workflows: Workflows,
  { input: { output } }: SubcommandInput,
): Promise<number> {
  const saved = workflows.saved();
  if (output.json) output.document(saved);
  else if (saved.length === 0) output.note('No workflow is saved: there is none under workflows.files.');
  else
    await output.table(
      [{ title: 'NAME', whole: true }, { title: 'STATE' }, { title: 'DESCRIPTION' }],
      saved.map(({ name, problems, description = '' }) => [
        plain(name),
        problems[0] === undefined ? 'ok' : plain(problemText(problems[0])),
        plain(description),
      ]),
    );
  return 0;
}

export async function showRuns(
  workflows: Workflows,
  { input: { output } }: SubcommandInput,
): Promise<number> {
  const found = await workflows.list({}, 'operator');
  if (output.json) output.document(found);
  else if (found.length === 0) output.note('No workflow has run yet.');
  else
    await output.table(
      [
        { title: 'RUN', whole: true },
        { title: 'WORKFLOW' },
        { title: 'STATUS' },
        { title: 'BEGUN' },
        { title: 'ENDED' },
      ],
      found.map((view) => [
        view.run_id,
        plain(view.workflow),
        view.status.replaceAll('_', ' '),
        moment(view.started_at),
        moment(view.finished_at),
      ]),
    );
  return 0;
}

export async function showRun(
  workflows: Workflows,
  { input, words: [runId = ''] }: SubcommandInput,
): Promise<number> {
  const { output, options } = input;
  const [step, record] = [options.text('step'), options.flag('record')];
  const view = await workflows.show(runId, 'operator', { step, record });
  if (output.json) {
    output.document(view);
    return 0;
  }
  output.line(
    `${plain(view.workflow)}: ${view.status.replaceAll('_', ' ')}, begun ${moment(view.started_at)}`,
  );
  for (const line of stepLines(view.steps ?? {}, output.colors, Date.now())) output.line(line);
  if (step !== undefined) output.line(printExact(stepOutput(view), 2));
  for (const fact of view.record ?? []) output.line(factLine(fact));
  showOutcome(view, output);
  return 0;
}

/** Tells the output, the error and the open questions of a run. */
export function showOutcome(view: RunView, output: Output): void {
  const { status, error, attention = [], run_id: runId } = view;
  if (view.output !== undefined) output.line(printExact(view.output, 2));
  if (error) output.note(`${error.code}: ${plain(error.message)}`);
  for (const { step, question, options } of attention)
    output.note(
      options.length === 0
        ? `${step}: ${plain(question)}`
        : `${step}: ${plain(question)}\n  switchyard workflow resume ${runId} --step ${step} --decision ${options.join('|')}`,
    );
  if (status !== 'succeeded') output.note(`The run ${runId} is ${status.replaceAll('_', ' ')}.`);
}

/** A line of its own, and not a row of a table, which would be cut. */
function factLine({ at, kind, key, ...facts }: Fact): string {
  const known = Object.entries(facts).map(
    ([name, value]) => `${name}: ${typeof value === 'string' ? value : printExact(value)}`,
  );
  return plain([at, kind, ...(key === undefined ? [] : [key]), known.join(', ')].join(' '));
}

function stepOutput({ steps }: RunView): unknown {
  const [step] = Object.values(steps ?? {}) as (JsonObject | undefined)[];
  return step?.['output'] ?? null;
}

function moment(text: string | undefined): string {
  return text === undefined ? '' : text.replace('T', ' ').replace(/\.\d+Z$/, ' UTC');
}
