/** The workflow tools as clients see them, and saved workflows. */
import { Answer } from '../../src/core/answer.ts';
import type { WorkflowsOnDemand } from '../../src/workflow/on-demand.ts';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { Cancellation } from '../../src/core/cancellation.ts';
import { Json, type JsonObject } from '../../src/json/json.ts';
import { metaTools } from '../../src/meta-tools/meta-tools.ts';
import { savedWorkflowTool, savedWorkflowTools, workflowTools } from '../../src/meta-tools/workflow-tools.ts';
import { storeJournal } from '../fixtures/workflow/store-journal.ts';
import { bench, type Bench, clientNamed, toolError } from './bench-of-tools.ts';
import { temporaryFolder } from '../harness/temp-folder.ts';

const open: Bench[] = [];
afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
});

const tools = {
  echo: { run: (args: unknown) => args, readOnly: true, safe: true },
  boom: { run: () => toolError('no') },
};

interface Result {
  readonly isError?: boolean;
  readonly structuredContent: JsonObject;
}

/** The engine, as if it had been needed already. */
function loaded({ workflows }: Bench): WorkflowsOnDemand {
  return {
    get: () => Promise.resolve(workflows),
    hasRuns: () => true,
    saved: () => workflows.saved(),
    start: () => {},
    ready: () => Promise.resolve(),
    close: () => workflows.close(),
  };
}

async function called(
  b: Bench,
  name: string,
  args: JsonObject,
  onProgress?: (params: Json) => void,
): Promise<Result> {
  const handle = metaTools(workflowTools(loaded(b)), (name) =>
    Promise.resolve(savedWorkflowTool(loaded(b), name)),
  )(() => Answer.failed(new Error('passed on')));
  const params = Json.of({ name, arguments: args });
  const result = await handle({
    method: 'tools/call',
    name,
    params,
    client: clientNamed('ann'),
    signal: new Cancellation(),
    onProgress,
  });
  return result.value as Result;
}

const two = {
  steps: [
    { id: 'a', tool: 'echo', with: { v: 1 } },
    { id: 'b', tool: 'echo', with: { v: '${{ steps.a.output.v + 1 }}' } },
  ],
  output: '${{ steps.b.output.v }}',
};

describe('the workflow tools', () => {
  test('run, list and show a run, with progress on the way', async () => {
    const b = bench(tools, { openJournal: storeJournal });
    open.push(b);
    await b.workflows.start();
    const progress: unknown[] = [];
    const { structuredContent: run, isError } = await called(b, 'run_workflow', { workflow: two }, (params) =>
      progress.push(params.value),
    );
    expect(isError).toBeUndefined();
    expect(run).toMatchObject({
      status: 'succeeded',
      output: 2,
      steps: { a: { status: 'succeeded', attempts: 1, output: { v: 1 } } },
    });
    expect(progress.at(-1)).toMatchObject({ progress: 2, total: 2 });
    const { structuredContent: list } = await called(b, 'workflow_runs', {});
    expect(list).toMatchObject({ runs: [{ run_id: run['run_id'], status: 'succeeded' }] });
    expect(list).not.toHaveProperty('runs.0.steps');
    expect((await called(b, 'workflow_runs', { run_id: run['run_id'] })).structuredContent).toEqual(run);
  });

  test('tell all that is on record about a run: who began it, each call with its outcome, each step, the end', async () => {
    const b = bench(tools, { openJournal: storeJournal });
    open.push(b);
    await b.workflows.start();
    const { structuredContent: run } = await called(b, 'run_workflow', {
      workflow: { ...two, steps: [...two.steps, { id: 'c', after: ['b'], tool: 'boom' }] },
    });
    const { structuredContent } = await called(b, 'workflow_runs', { run_id: run['run_id'], record: true });
    const { record } = structuredContent as { readonly record: readonly JsonObject[] };
    const hash = expect.stringMatching(/^[\w-]{22}$/) as unknown;
    const ms = expect.any(Number) as unknown;
    expect(record.map(({ at: _at, ...fact }) => fact)).toEqual([
      { kind: 'run', workflow: 'inline', client: 'ann' },
      { kind: 'intent', key: 'a#1', tool: 'echo', args: hash },
      { kind: 'outcome', key: 'a#1', result: 'done', ms },
      { kind: 'event', step: 'a', status: 'succeeded' },
      { kind: 'intent', key: 'b#1', tool: 'echo', args: hash },
      { kind: 'outcome', key: 'b#1', result: 'done', ms },
      { kind: 'event', step: 'b', status: 'succeeded' },
      { kind: 'intent', key: 'c#1', tool: 'boom', args: hash },
      {
        kind: 'outcome',
        key: 'c#1',
        result: 'failed',
        ms,
        error: { code: 'TOOL_ERROR', message: 'no', delivered: true },
      },
      { kind: 'event', step: 'c', status: 'failed', code: 'TOOL_ERROR' },
      { kind: 'event', run: 'failed', code: 'STEP_FAILED' },
    ]);
    const times = record.map(({ at }) => Date.parse(String(at)));
    expect(times).toEqual([...times].sort((a, b) => a - b));
  });

  test('tell every step of a run once that another process has gone on with', async () => {
    const first = bench(tools, { openJournal: storeJournal });
    open.push(first);
    await first.workflows.start();
    const { structuredContent: run } = await called(first, 'run_workflow', {
      workflow: {
        steps: [
          { id: 'a', foreach: '[1, 2, 3]', tool: 'echo', with: { v: '${{ item }}' } },
          { id: 'b', after: ['a'], approve: { message: 'go?', by: 'caller' } },
          { id: 'c', after: ['b'], tool: 'echo' },
        ],
      },
    });
    expect(run).toMatchObject({ status: 'needs_attention' });
    await first.workflows.close();
    const second = bench(tools, { openJournal: storeJournal, stateDir: first.stateDir });
    open.push(second);
    await second.workflows.start();
    const { run_id } = run;
    await called(second, 'resume_workflow', { run_id, decision: 'approve' });
    const { structuredContent } = await called(second, 'workflow_runs', { run_id, record: true });
    const { record } = structuredContent as { readonly record: readonly JsonObject[] };
    expect(record.filter(({ kind }) => kind === 'event').map(({ at: _at, ...event }) => event)).toEqual([
      { kind: 'event', step: 'a', status: 'succeeded' },
      { kind: 'event', step: 'b', status: 'waiting' },
      { kind: 'event', step: 'b', status: 'succeeded' },
      { kind: 'event', step: 'c', status: 'succeeded' },
      { kind: 'event', run: 'succeeded' },
    ]);
  });

  test('a run that fails and a definition with mistakes are errors with all their facts', async () => {
    const b = bench(tools, { openJournal: storeJournal });
    open.push(b);
    await b.workflows.start();
    expect(
      await called(b, 'run_workflow', { workflow: { steps: [{ id: 'a', tool: 'boom' }] } }),
    ).toMatchObject({
      isError: true,
      structuredContent: { status: 'failed', error: { code: 'STEP_FAILED', step: 'a' } },
    });
    expect(
      await called(b, 'run_workflow', { workflow: { steps: [{ id: 'a', tool: 'bom' }] } }),
    ).toMatchObject({
      isError: true,
      structuredContent: { valid: false, errors: [{ path: 'steps[0].tool', nearest: 'boom' }] },
    });
    const plan = await called(b, 'run_workflow', { workflow: two, dry_run: true });
    expect(plan).toMatchObject({
      structuredContent: {
        valid: true,
        plan: {
          levels: [['a'], ['b']],
          critical_path: ['a', 'b'],
          max_calls: 2,
          no_undo: [],
          resume: { a: 'by_itself' },
        },
      },
    });
    expect(b.calls.map(({ tool }) => tool)).toEqual(['boom']);
  });

  test('a saved workflow is a tool of its own, and follows its file', async () => {
    const folder = temporaryFolder('saved');
    const file = join(folder, 'greet.yaml');
    const written = (word: string): string =>
      `description: Says ${word}\ninput: { type: object, properties: { who: { type: string, default: you } } }\nsteps: [{ id: a, tool: echo, with: { text: "${word} \${{ input.who }}" } }]\noutput: "\${{ steps.a.output.text }}"\n`;
    writeFileSync(file, written('hello'));
    const b = bench(tools, { openJournal: storeJournal, folder, files: ['*.yaml'] });
    open.push(b);
    await b.workflows.start();
    expect(savedWorkflowTools(loaded(b))).toMatchObject([
      {
        name: 'workflow__greet',
        description: 'Says hello',
        annotations: { readOnlyHint: true, destructiveHint: false },
      },
    ]);
    expect((await called(b, 'workflow__greet', {})).structuredContent['output']).toBe('hello you');
    expect(
      (await called(b, 'run_workflow', { workflow: 'greet', input: { who: 'ann' } })).structuredContent[
        'output'
      ],
    ).toBe('hello ann');
    expect(await called(b, 'workflow__greet', { who: 5 })).toMatchObject({
      isError: true,
      structuredContent: { errors: [{ path: 'input.who' }] },
    });
    writeFileSync(file, written('bye'));
    await expect.poll(() => b.workflows.saved()[0]?.description, { timeout: 5000 }).toBe('Says bye');
  });
});

describe('several proxies on one state folder', () => {
  test('exactly one works on a run; the word of another reaches it', async () => {
    const one = bench(tools, { openJournal: storeJournal });
    const other = bench(tools, { openJournal: storeJournal, stateDir: one.stateDir });
    open.push(one);
    await one.workflows.start();
    const who = { client: clientNamed('ann') };
    const workflow = {
      steps: [
        { id: 'ok', approve: { message: 'go?' } },
        { id: 'a', after: ['ok'], tool: 'echo', with: { v: 1 } },
      ],
    };
    const run = await one.workflows.run({ workflow, input: {}, wait: true }, who);
    await other.workflows.start();
    expect(await other.workflows.show(run.run_id, who)).toMatchObject({
      status: 'needs_attention',
      attention: [{ step: 'ok' }],
    });
    await other.workflows.resume({ runId: run.run_id, decision: 'approve' }, 'operator');
    await expect
      .poll(async () => (await other.workflows.show(run.run_id, who)).status, { timeout: 5000 })
      .toBe('succeeded');
    expect([one.calls.length, other.calls.length]).toEqual([1, 0]);
    await other.workflows.close();
  });
});
