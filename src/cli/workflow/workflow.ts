/** `switchyard workflow`: the same engine as the tool `run_workflow`, for who sits at the machine. */
import { Answer } from '../../core/answer.ts';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Config } from '../../config/config.ts';
import { systemClock } from '../../core/clock.ts';
import { messageOf, RpcError } from '../../core/errors.ts';
import { isObject } from '../../json/json.ts';
import { listed, nearest } from '../../core/nearest.ts';
import { asText } from '../../core/text-encoding.ts';
import { startTimeOf } from '../../transport/child-process/process-table.ts';
import { InvalidDefinition } from '../../workflow/definition/invalid-definition.ts';
import { problemText } from '../../workflow/definition/problem.ts';
import { type PlanAnswer, Workflows } from '../../workflow/workflows.ts';
import { readArguments } from '../support/call-arguments.ts';
import type { Command, Input } from '../command.ts';
import { configFiles, readConfig } from '../support/configured.ts';
import type { Output } from '../terminal/output.ts';
import { openOwnProxy } from '../support/own-proxy.ts';
import { UsageError } from '../command.ts';
import { showWaiting } from '../terminal/waiting-progress.ts';
import { follow, isFinished } from './follow-run.ts';
import { type SubcommandInput, showOutcome, showRun, showRuns, showSaved } from './show-runs.ts';

export const workflow: Command = {
  name: 'workflow',
  takes: 'plan|run|list|runs|show|resume|cancel [NAME|FILE|RUN] [KEY=VALUE…]',
  summary: 'plans, runs, shows and resumes workflows',
  about: [
    'plan NAME|FILE      checks a workflow and shows what it would do',
    'run NAME|FILE       runs it, with its steps as they go on; Ctrl-C cancels it',
    'list                the saved workflows (workflows.files)',
    'runs                the last runs',
    'show RUN            one run with its steps',
    'resume RUN          goes on with a run, and asks what it waits for',
    'cancel RUN          cancels a run, wherever it is at work',
  ].join('\n'),
  options: {
    input: {
      type: 'string',
      value: 'JSON|@FILE|-',
      about: 'the input as JSON, from a file or from stdin; KEY=VALUE adds to it',
    },
    decision: {
      type: 'string',
      value: 'ANSWER',
      about: 'resume: the answer to what the run asks (approve, reject, retry, skip, fail, done)',
    },
    step: { type: 'string', value: 'ID', about: 'resume: which question; show: whose whole output' },
    record: { type: 'boolean', about: 'show: all that is on record: calls, outcomes, decisions' },
    from: { type: 'string', value: 'ID', about: 'resume: run an ended run again, from this step on' },
    mermaid: { type: 'boolean', about: 'plan: only the graph, for Mermaid' },
  },
  examples: [
    'switchyard workflow plan ./new_project.yaml',
    'switchyard workflow run new_project name=demo',
    'switchyard workflow resume wr_… --decision approve',
  ],
  positionals: true,
  run,
};

interface Subcommand {
  /** The kind of its first word; `undefined`: it takes none. */
  readonly takes: string | undefined;
  /** It needs the servers; otherwise the journal is enough. */
  readonly servers: boolean;
  readonly run: (workflows: Workflows, asked: SubcommandInput) => Promise<number>;
}

const SUBCOMMANDS: ReadonlyMap<string, Subcommand> = new Map<string, Subcommand>([
  ['plan', { takes: 'NAME|FILE', servers: true, run: plan }],
  ['run', { takes: 'NAME|FILE', servers: true, run: start }],
  ['list', { takes: undefined, servers: true, run: showSaved }],
  ['runs', { takes: undefined, servers: false, run: showRuns }],
  ['show', { takes: 'RUN', servers: false, run: showRun }],
  ['resume', { takes: 'RUN', servers: true, run: resume }],
  ['cancel', { takes: 'RUN', servers: true, run: cancel }],
]);

async function run(input: Input): Promise<number> {
  const [name = '', ...words] = input.positionals;
  const subcommand = SUBCOMMANDS.get(name);
  if (!subcommand) throw unknown(name);
  const { takes } = subcommand;
  if (takes !== undefined && words[0] === undefined)
    throw new UsageError(`switchyard workflow ${name} expects ${takes}.`);
  if (name !== 'run' && words[takes === undefined ? 0 : 1] !== undefined)
    throw new UsageError(`Unexpected argument "${words[takes === undefined ? 0 : 1]}".`);
  const { output, machine } = input;
  const config = await readConfig(configFiles(input.configFiles, machine), machine);
  try {
    const asked = { input, config, words };
    return subcommand.servers
      ? await withServers(asked, subcommand.run)
      : await onRecord(config, (workflows) => subcommand.run(workflows, asked));
  } catch (error) {
    if (error instanceof InvalidDefinition) return invalid({ valid: false, errors: error.errors }, output);
    if (!(error instanceof RpcError)) throw error;
    output.note(error.message);
    return 1;
  }
}

function unknown(name: string): UsageError {
  const names = [...SUBCOMMANDS.keys()];
  if (name === '') return new UsageError(`switchyard workflow expects one of ${listed(names)}.`);
  const near = nearest(name, names);
  const guess = near === undefined ? '' : ` Did you mean ${near}?`;
  return new UsageError(`There is no "workflow ${name}": there are ${listed(names)}.${guess}`);
}

async function withServers(
  asked: SubcommandInput,
  work: (workflows: Workflows, asked: SubcommandInput) => Promise<number>,
): Promise<number> {
  const { machine, output } = asked.input;
  // The engine is ours here, whatever the clients of a proxy may see of it.
  const config = { ...asked.config, expose: { ...asked.config.expose, metaTools: true } };
  const own = await openOwnProxy({ config, machine });
  try {
    await showWaiting(
      {
        output,
        config,
        report: () => own.proxy.report(own.client.view),
        otherwise: () => `starting ${config.servers.size} servers`,
      },
      Promise.all([own.proxy.connected(), own.catalog()]),
    );
    return await work(await (own.proxy.workflows as NonNullable<typeof own.proxy.workflows>).get(), asked);
  } finally {
    await own.close();
  }
}

/** Looks at the record; starts nothing. */
async function onRecord(config: Config, work: (workflows: Workflows) => Promise<number>): Promise<number> {
  const { stateDir } = config;
  const workflows = new Workflows({
    handle: () => Answer.failed(new Error('nothing is called')),
    tools: () => ({ names: () => [], get: () => undefined }),
    files: [],
    folder: stateDir,
    inline: 'off',
    stateDir,
    clock: systemClock,
    log: { debug() {}, info() {}, warn() {}, error() {} },
    startTimeOf,
    goesOn: false,
  });
  try {
    return await work(workflows);
  } finally {
    await workflows.close();
  }
}

/** A saved one by its name, or the definition in a file. */
async function definitionOf(word: string, { machine }: Input): Promise<unknown> {
  if (!/[./\\]/.test(word)) return word;
  const { parseExactYaml } = await import('../../workflow/saved/exact-yaml.ts');
  const file = join(machine.cwd, word);
  const path = existsSync(file) ? file : word;
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw new UsageError(`The workflow cannot be read: ${messageOf(error)}.`);
  });
  try {
    return parseExactYaml(asText(text));
  } catch (error) {
    throw new UsageError(`${word} is no YAML or JSON: ${messageOf(error)}`);
  }
}

async function plan(workflows: Workflows, { input, words: [word = ''] }: SubcommandInput): Promise<number> {
  const { output, options } = input;
  const answer = await workflows.plan(await definitionOf(word, input), 'operator');
  if (!answer.valid) return invalid(answer, output);
  const { text, mermaid, max_calls: calls, approvals, no_undo: noUndo, resume: resumes } = answer.plan;
  if (output.json) output.document(answer);
  else if (options.flag('mermaid')) output.line(mermaid);
  else {
    output.line(text);
    output.line();
    output.line(`At most ${calls} ${calls === 1 ? 'call' : 'calls'}.`);
    const asking = Object.keys(resumes).filter((id) => resumes[id] === 'asks_a_person');
    if (approvals.length > 0)
      output.line(`Approved by: ${approvals.map(({ step, by }) => `${step} (${by})`).join(', ')}`);
    if (noUndo.length > 0) output.line(`Writes that no step undoes: ${noUndo.join(', ')}`);
    if (asking.length > 0)
      output.line(`After a crash in one of these a person is asked: ${asking.join(', ')}`);
  }
  return 0;
}

function invalid(answer: Extract<PlanAnswer, { readonly valid: false }>, output: Output): number {
  if (output.json) output.document(answer);
  else for (const problem of answer.errors) output.note(problemText(problem));
  return 1;
}

async function start(
  workflows: Workflows,
  { input, words: [word = '', ...pairs] }: SubcommandInput,
): Promise<number> {
  const { options } = input;
  const definition = await definitionOf(word, input);
  const saved = workflows.saved().find(({ name }) => name === word);
  const schema = isObject(definition) ? definition['input'] : saved?.input;
  const given = await readArguments({ pairs, json: options.text('input'), option: '--input' }, () =>
    Promise.resolve(isObject(schema) ? schema : undefined),
  );
  const { run_id: runId } = await workflows.run(
    { workflow: definition, input: given, wait: false },
    'operator',
  );
  return end(workflows, input, runId);
}

async function resume(
  workflows: Workflows,
  { input, words: [runId = ''] }: SubcommandInput,
): Promise<number> {
  const { options } = input;
  const [decision, step, from] = [options.text('decision'), options.text('step'), options.text('from')];
  if (decision !== undefined || from !== undefined) {
    const { run_id: id } = await workflows.resume({ runId, decision, step, from }, 'operator');
    return end(workflows, input, id);
  }
  const before = await workflows.show(runId, 'operator');
  if (isFinished(before))
    throw new UsageError(
      `The run ${runId} has ended (${before.status}). To run a part of it again: --from STEP.`,
    );
  await workflows.takeUp(runId, 'operator');
  return end(workflows, input, runId);
}

async function end(workflows: Workflows, { output }: Input, runId: string): Promise<number> {
  const canAsk = output.interactive && process.stdin.isTTY === true;
  const { steps, ...view } = await follow({ workflows, runId, output, canAsk });
  if (output.json) output.document({ ...view, ...(steps && { steps }) });
  else showOutcome(view, output);
  return view.status === 'succeeded' ? 0 : 1;
}

async function cancel(
  workflows: Workflows,
  { input: { output }, words: [runId = ''] }: SubcommandInput,
): Promise<number> {
  const view = await workflows.cancel(runId, 'operator');
  if (output.json) output.document(view);
  else output.line(`The run ${runId} is ${view.status.replaceAll('_', ' ')}.`);
  return 0;
}
