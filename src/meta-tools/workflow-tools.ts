/** `run_workflow` and its kin, and every saved workflow as a tool of its own. */
import type { Call } from '../core/call.ts';
import { INVALID_PARAMS, RpcError } from '../core/errors.ts';
import { parseExact, printExact } from '../json/exact-json.ts';
import { at, isObject, type JsonObject, stringAt } from '../json/json.ts';
import type { Caller } from '../workflow/calls.ts';
import type { RunStatus } from '../workflow/journal/journal.ts';
import { InvalidDefinition } from '../workflow/definition/invalid-definition.ts';
import type { WorkflowsOnDemand } from '../workflow/on-demand.ts';
import type { SavedWorkflow } from '../workflow/saved/describe-saved.ts';
import type { Failure, MetaTool } from './meta-tools.ts';
import { RUN_OR_PLAN_SHAPE, RUN_SHAPE, RUNS_SHAPE } from './workflow-shapes.ts';

const STATUSES: readonly RunStatus[] = [
  'running',
  'succeeded',
  'failed',
  'rolled_back',
  'cancelled',
  'needs_attention',
];

/** Said in full: some clients take an object without properties for one that must be empty. */
const ANYTHING = { type: 'object', additionalProperties: true };

export function workflowTools(workflows: WorkflowsOnDemand): readonly MetaTool[] {
  return [
    runWorkflow(workflows),
    workflowRuns(workflows),
    resumeWorkflow(workflows),
    cancelWorkflow(workflows),
  ];
}

/** One tool for each saved workflow that can run. */
export function savedWorkflowTools(workflows: WorkflowsOnDemand): readonly MetaTool[] {
  return workflows
    .saved()
    .filter(({ problems }) => problems.length === 0)
    .map((saved) => savedTool(saved, workflows));
}

/**
 * Finds the tool of a saved workflow, also of one that cannot run: its run says why not, and waits for the tools of
 * servers that are coming up.
 */
export function savedWorkflowTool(workflows: WorkflowsOnDemand, name: string): MetaTool | undefined {
  const found = workflows.saved().find((saved) => toolName(saved) === name);
  return found && savedTool(found, workflows);
}

function runWorkflow(workflows: WorkflowsOnDemand): MetaTool {
  return {
    name: 'run_workflow',
    description: DESCRIPTION,
    inputSchema: {
      type: 'object',
      properties: {
        // Some clients make of a choice its object alone: "name" is there for them.
        workflow: {
          description:
            'A definition: { name, input, steps: [ ... ], output }; or the name of a saved workflow',
          anyOf: [ANYTHING, { type: 'string' }],
        },
        name: { type: 'string', description: 'Instead of "workflow": the name of a saved workflow' },
        input: { ...ANYTHING, description: 'Values for the workflow, seen by its steps as input.NAME' },
        dry_run: { type: 'boolean', description: 'Only check it and show the plan; nothing is called' },
        wait: {
          type: 'boolean',
          default: true,
          description: 'false: answer at once; workflow_runs tells how it goes on',
        },
      },
      additionalProperties: false,
    },
    outputSchema: RUN_OR_PLAN_SHAPE,
    annotations: {
      title: 'Run a workflow',
      readOnlyHint: false,
      destructiveHint: true,
      idempotentHint: false,
      openWorldHint: true,
    },
    failure: failureOf,
    brief: briefRun,
    answer: async (call) => {
      const { workflow: given, name, input, dry_run: dryRun, wait } = argumentsOf(call);
      if (given !== undefined && name !== undefined)
        throw wrong('"workflow" and "name" are both given: one says what to run');
      const workflow = given ?? name;
      if (workflow === undefined) throw wrong('"workflow" is missing: a saved name, or a definition');
      if (dryRun === true)
        return { ...(await (await workflows.get()).plan(fromText(workflow), callerOf(call))) };
      const waits = wait !== false;
      const run = await orErrors(async () =>
        (await workflows.get()).run(
          { workflow: fromText(workflow), input, wait: waits, signal: waits ? call.signal : undefined },
          callerOf(call),
        ),
      );
      return waits ? run : { ...run };
    },
  };
}

function workflowRuns(workflows: WorkflowsOnDemand): MetaTool {
  return {
    name: 'workflow_runs',
    description:
      'Lists your workflow runs, or shows one run with every step: its state, result, and what it waits for.',
    inputSchema: {
      type: 'object',
      properties: {
        run_id: { type: 'string', description: 'Show this run' },
        step: {
          type: 'string',
          description: 'With run_id: give the whole output of this step, however large',
        },
        record: {
          type: 'boolean',
          description:
            'With run_id: give all that is on record, too: each call with its time, tool and outcome, each decision',
        },
        status: { type: 'string', enum: STATUSES, description: 'List only runs in this state' },
        limit: {
          type: 'integer',
          minimum: 1,
          maximum: 1000,
          description: 'List at most so many, the latest first (50)',
        },
      },
      additionalProperties: false,
    },
    outputSchema: RUNS_SHAPE,
    annotations: { title: 'Workflow runs', readOnlyHint: true, openWorldHint: false },
    answer: async (call) => {
      const { run_id: runId, step, record, status, limit } = argumentsOf(call);
      const caller = callerOf(call);
      if (typeof runId === 'string')
        return await (
          await workflows.get()
        ).show(runId, caller, { step: optional(step), record: record === true });
      const known = STATUSES.find((one) => one === status);
      if (status !== undefined && known === undefined)
        throw wrong(`There is no status ${printExact(status)}; there are: ${STATUSES.join(', ')}`);
      const runs = await (
        await workflows.get()
      ).list(
        { status: known, limit: typeof limit === 'number' ? Math.max(1, Math.trunc(limit)) : undefined },
        caller,
      );
      return { runs };
    },
  };
}

function resumeWorkflow(workflows: WorkflowsOnDemand): MetaTool {
  return {
    name: 'resume_workflow',
    listed: () => workflows.hasRuns(),
    description:
      'Goes on with a workflow run: answers what it asks ("attention" of the run), or runs an ended one again from a step on. Without a decision it asks the user, where your client can. A step that is for a person to approve is never approved by this call.',
    inputSchema: {
      type: 'object',
      properties: {
        run_id: { type: 'string' },
        decision: {
          type: 'string',
          enum: ['retry', 'skip', 'fail', 'done', 'approve', 'reject'],
          description:
            'retry (call it again), skip, fail or done (it did happen) for a step in doubt; approve or reject for an approval',
        },
        step: { type: 'string', description: 'Which step, where several wait' },
        content: { ...ANYTHING, description: "With approve: the form's values" },
        output: { description: 'With done: what the step gave' },
        from: {
          type: 'string',
          description: 'For a run that has ended: the step from which on it is run again',
        },
      },
      required: ['run_id'],
      additionalProperties: false,
    },
    outputSchema: RUN_SHAPE,
    annotations: {
      title: 'Resume a workflow',
      readOnlyHint: false,
      destructiveHint: true,
      idempotentHint: false,
      openWorldHint: true,
    },
    failure: failureOf,
    brief: briefRun,
    answer: async (call) => {
      const { run_id: runId, decision, step, content, output, from } = argumentsOf(call);
      return await (
        await workflows.get()
      ).resume(
        {
          runId: text(runId, 'run_id'),
          decision: optional(decision),
          step: optional(step),
          content,
          output,
          from: optional(from),
          signal: call.signal,
        },
        callerOf(call),
      );
    },
  };
}

function cancelWorkflow(workflows: WorkflowsOnDemand): MetaTool {
  return {
    name: 'cancel_workflow',
    listed: () => workflows.hasRuns(),
    description:
      'Cancels a workflow run: the calls in flight are cancelled, no later step starts, and what was done is undone if the workflow says so.',
    inputSchema: {
      type: 'object',
      properties: { run_id: { type: 'string' } },
      required: ['run_id'],
      additionalProperties: false,
    },
    outputSchema: RUN_SHAPE,
    annotations: {
      title: 'Cancel a workflow',
      readOnlyHint: false,
      destructiveHint: true,
      idempotentHint: true,
      openWorldHint: true,
    },
    answer: async (call) =>
      await (await workflows.get()).cancel(text(argumentsOf(call)['run_id'], 'run_id'), callerOf(call)),
  };
}

function toolName({ name }: SavedWorkflow): string {
  return `workflow__${name.replaceAll(/[^A-Za-z0-9_-]/g, '_')}`;
}

function savedTool(saved: SavedWorkflow, workflows: WorkflowsOnDemand): MetaTool {
  const { name, description, input, annotations } = saved;
  return {
    name: toolName(saved),
    description: description ?? `Runs the saved workflow "${name}".`,
    inputSchema: { type: 'object', ...(input ?? { properties: {}, additionalProperties: true }) },
    outputSchema: RUN_OR_PLAN_SHAPE,
    annotations: { title: name, ...annotations },
    failure: failureOf,
    brief: briefRun,
    answer: async (call) =>
      await orErrors(async () =>
        (await workflows.get()).run(
          { workflow: name, input: argumentsOf(call), wait: true, signal: call.signal },
          callerOf(call),
        ),
      ),
  };
}

/** Mistakes in a definition are an answer: all of them at once, for the model to repair. */
async function orErrors(run: () => Promise<JsonObject>): Promise<JsonObject> {
  try {
    return await run();
  } catch (error) {
    if (!(error instanceof InvalidDefinition)) throw error;
    return { valid: false, errors: error.errors };
  }
}

/** A run that was started without waiting is no failure, whatever its state. */
function failureOf({ status, valid, error }: JsonObject): Failure | undefined {
  if (valid === false) return { code: 'WORKFLOW_INVALID', delivered: false };
  if (status === undefined || status === 'succeeded' || status === 'running') return undefined;
  if (status === 'needs_attention') return { code: 'NEEDS_ATTENTION', delivered: 'unknown' };
  const code = ENDS.find((one) => one === stringAt(error, 'code')) ?? 'STEP_FAILED';
  return { code, delivered: 'unknown' };
}

const ENDS = ['STEP_FAILED', 'TIMEOUT', 'CANCELLED'] as const;

/** Clients that show both the text and the structure would show each step twice. */
function briefRun({
  workflow: _workflow,
  steps: _steps,
  started_at: _begun,
  finished_at: _ended,
  ...rest
}: JsonObject): JsonObject {
  return rest;
}

function callerOf({ client, ask, onProgress }: Call): Caller {
  return { client, ask, onProgress };
}

function argumentsOf(call: Call): JsonObject {
  const args = at(call.params.exact, 'arguments');
  return isObject(args) ? args : {};
}

/** Some clients send objects as text. */
function fromText(workflow: unknown): unknown {
  if (typeof workflow !== 'string' || !/^\s*\{/.test(workflow)) return workflow;
  try {
    return parseExact(workflow);
  } catch {
    return workflow;
  }
}

function text(value: unknown, key: string): string {
  if (typeof value === 'string') return value;
  throw wrong(`"${key}" is missing`);
}

function optional(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function wrong(message: string): RpcError {
  return RpcError.of(INVALID_PARAMS, message);
}

const DESCRIPTION = `Runs several tool calls as one workflow that survives a crash: steps start as soon as what they refer to is there, side by side where they can. Use it for more than two dependent calls, for loops over lists, and for changes that must be undone together.
Definition: { "input": JSON Schema, "on_error": "stop"|"continue"|"rollback", "steps": [ ... ], "output": ... }. A step has an "id" and exactly one of: "tool" (with "with": its arguments), "set", "approve": {message}, "workflow": NAME, "sample": {prompt}, "wait": "30s". Values are templates: "\${{ steps.find.output.items }}" keeps the type, "n: \${{ size(input.list) }}" is text; expressions are CEL. Optional in a step: "when": CEL, "foreach": CEL list (then item and index), "concurrency", "on_item_error": "fail"|"collect"|"skip", "after": [ids], "timeout": "30s", "retry": {attempts, delay}, "fallback": {value}, "undo": {tool, with}.
Example: { "steps": [ { "id": "find", "tool": "github__search_issues", "with": { "q": "is:open" } }, { "id": "close", "foreach": "steps.find.output.items", "tool": "github__update_issue", "with": { "id": "\${{ item.id }}", "state": "closed" } } ], "output": { "closed": "\${{ size(steps.close.output) }}" } }
With dry_run it is only checked: every mistake is named with its place and a fix.`;
