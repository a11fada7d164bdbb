/** Who is asked what, how many runs there are at once, and what is told where something is in the way. */
import { Answer } from '../../src/core/answer.ts';
import { afterEach, describe, expect, test } from 'vitest';
import { Cancellation } from '../../src/core/cancellation.ts';
import type { AskClient } from '../../src/core/call.ts';
import type { ProxyError } from '../../src/core/errors.ts';
import { Json, type JsonObject } from '../../src/json/json.ts';
import { definitionOf, metaTools } from '../../src/meta-tools/meta-tools.ts';
import { savedWorkflowTool, workflowTools } from '../../src/meta-tools/workflow-tools.ts';
import { legacyError, modernError } from '../../src/server/answers.ts';
import { type Journal, JournalError } from '../../src/workflow/journal/journal.ts';
import type { WorkflowsOptions } from '../../src/workflow/workflows.ts';
import { until } from '../harness/until.ts';
import { storeJournal } from '../fixtures/workflow/store-journal.ts';
import { bench, type Bench, clientNamed, type ToolSpec } from './bench-of-tools.ts';

const open: Bench[] = [];
afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
});

function made(tools: Readonly<Record<string, ToolSpec>>, options: Partial<WorkflowsOptions> = {}): Bench {
  const b = bench(tools, { openJournal: storeJournal, ...options });
  open.push(b);
  return b;
}

async function started(...args: Parameters<typeof made>): Promise<Bench> {
  const b = made(...args);
  await b.workflows.start();
  return b;
}

/** A client with these capabilities that answers whatever it is asked. */
function asker(
  capabilities: JsonObject,
  answer: unknown,
): { readonly asked: string[]; readonly who: { client: ReturnType<typeof clientNamed>; ask: AskClient } } {
  const asked: string[] = [];
  const ask: AskClient = ({ method }) => {
    asked.push(method);
    return Promise.resolve(Json.of(answer));
  };
  return { asked, who: { client: clientNamed('ann', capabilities), ask } };
}

const ann = { client: clientNamed('ann') };
const never: ToolSpec = { run: () => new Promise(() => {}) };
const echo: ToolSpec = { run: (args) => args, readOnly: true };
const approval = { steps: [{ id: 'ok', approve: { message: 'go?' } }] };
const sampling = { steps: [{ id: 's', sample: { prompt: 'Hm?' } }] };

describe('the limit of runs at once', () => {
  test('holds for runs that begin together, also while the journal is being opened', async () => {
    const b = made({ never }, { limits: { runs: 10 } });
    const workflow = { steps: [{ id: 'n', tool: 'never' }] };
    const begun = await Promise.allSettled(
      Array.from({ length: 13 }, () => b.workflows.run({ workflow, input: {}, wait: false }, ann)),
    );
    const refused = begun.filter((one) => one.status === 'rejected');
    expect(refused.map(({ reason }: PromiseRejectedResult) => (reason as ProxyError).code)).toEqual([
      'BUSY',
      'BUSY',
      'BUSY',
    ]);
    await until('the calls', () => b.calls.length >= 10);
    expect(b.calls).toHaveLength(10);
  });

  test('gives back the place of a run that could not begin', async () => {
    let full = true;
    const b = await started(
      { echo },
      {
        limits: { runs: 1 },
        openJournal: async (file) => {
          const journal = await storeJournal(file);
          const commit: Journal['commit'] = (changes) =>
            full && changes.some(({ type }) => type === 'run')
              ? Promise.reject(new JournalError('the disk is full'))
              : journal.commit(changes);
          return { ...journal, commit };
        },
      },
    );
    const workflow = { steps: [{ id: 'a', tool: 'echo' }] };
    await expect(b.workflows.run({ workflow, input: {}, wait: true }, ann)).rejects.toThrow('full');
    full = false;
    await until('the place', async () => {
      const again = await b.workflows.run({ workflow, input: {}, wait: true }, ann).catch(() => undefined);
      return again?.status === 'succeeded';
    });
  });

  test('a run that two take up at the same time is at work once', async () => {
    const first = await started({ echo, put: { run: () => ({}) } });
    const workflow = {
      steps: [
        { id: 'ok', approve: { message: 'go?', by: 'caller' } },
        { id: 'p', after: ['ok'], tool: 'put' },
      ],
    };
    const { run_id: runId } = await first.workflows.run({ workflow, input: {}, wait: true }, ann);
    await first.workflows.close();
    let claims = 0;
    let read = (): void => {};
    const reading = new Promise<void>((resolve) => (read = resolve));
    const openJournal: WorkflowsOptions['openJournal'] = async (file) => {
      const journal = await storeJournal(file);
      return {
        ...journal,
        claim: async (...args) => (claims++, await journal.claim(...args)),
        entries: async (id) => (await reading, await journal.entries(id)),
      };
    };
    const second = made({ echo, put: { run: () => ({}) } }, { stateDir: first.stateDir, openJournal });
    const resume = (): Promise<unknown> =>
      second.workflows.resume({ runId, decision: 'approve' }, ann).catch((error: unknown) => error);
    const one = resume();
    await until('the first to have it', () => claims > 0);
    const other = resume();
    setImmediate(() => setImmediate(read));
    const both = await Promise.all([one, other]);
    expect(claims).toBe(1);
    expect(both).toContainEqual(expect.objectContaining({ status: 'succeeded' }));
    expect(second.calls).toHaveLength(1);
  });
});

describe('a client', () => {
  test.each([
    ['nothing', {}],
    ['only links to open', { elicitation: { url: {} } }],
    ['sampling alone', { sampling: {} }],
  ])('that has declared %s is shown no form', async (_what, capabilities) => {
    const b = await started({ put: { run: () => ({}) } }, { inline: 'ask' });
    const { asked, who } = asker(capabilities, { action: 'accept', content: { confirm: true } });
    const view = await b.workflows.run({ workflow: approval, input: {}, wait: true }, who);
    expect([view.status, asked]).toEqual(['needs_attention', []]);
    const writing = { steps: [{ id: 'p', tool: 'put' }] };
    await b.workflows.run({ workflow: writing, input: {}, wait: true }, who);
    expect(asked).toEqual([]);
  });

  test.each([
    ['forms by name', { elicitation: { form: {}, url: {} } }],
    ['elicitation, which means forms', { elicitation: {} }],
  ])('that has declared %s is shown one', async (_what, capabilities) => {
    const b = await started({});
    const { asked, who } = asker(capabilities, { action: 'accept', content: { confirm: true } });
    const view = await b.workflows.run({ workflow: approval, input: {}, wait: true }, who);
    expect([view.status, asked]).toEqual(['succeeded', ['elicitation/create']]);
  });

  test('that has not declared sampling is not asked for it, and the step says what to do', async () => {
    const b = await started({});
    const { asked, who } = asker({ elicitation: {} }, { content: { type: 'text', text: 'x' } });
    const view = await b.workflows.run({ workflow: sampling, input: {}, wait: true }, who);
    expect(view).toMatchObject({ status: 'failed', steps: { s: { error: { code: 'CLIENT_CANNOT' } } } });
    expect(view.error?.message).toContain('has not declared sampling');
    expect(asked).toEqual([]);
  });

  test('that dismisses the question is told of the ways that ask nobody; one that declines, that it was declined', async () => {
    const b = await started({ put: { run: () => ({}) } }, { inline: 'ask' });
    const workflow = { steps: [{ id: 'p', tool: 'put' }] };
    const told = (action: string): Promise<unknown> =>
      b.workflows
        .run({ workflow, input: {}, wait: true }, asker({ elicitation: {} }, { action }).who)
        .catch((error: ProxyError) => error.message);
    expect(await told('cancel')).toMatch(
      /dismissed the question.*workflows\.files.*dry_run.*workflows\.inline/,
    );
    expect(await told('decline')).toMatch(/did not agree.*workflows\.files.*dry_run.*workflows\.inline/);
    expect(b.calls).toEqual([]);
  });
});

describe('what is in the way', () => {
  test('a journal that cannot be written is told as such, and nothing was called', async () => {
    const b = await started(
      { echo },
      {
        openJournal: async (file) => ({
          ...(await storeJournal(file)),
          commit: () => Promise.reject(new JournalError('the disk is full')),
          runs: () => Promise.reject(new JournalError('the disk is full')),
        }),
      },
    );
    const refused = {
      code: 'NEEDS_ATTENTION',
      delivered: false,
      message: 'Nothing was called: the disk is full.',
    };
    const workflow = { steps: [{ id: 'a', tool: 'echo' }] };
    await expect(b.workflows.run({ workflow, input: {}, wait: true }, ann)).rejects.toMatchObject(refused);
    await expect(b.workflows.list({}, ann)).rejects.toMatchObject(refused);
    expect(b.calls).toEqual([]);
  });

  test('a fault of our own is INTERNAL in every form of an answer, and says nothing of what it is', () => {
    const bug = new TypeError('secret detail');
    const tool = JSON.parse(legacyError('1', { method: 'tools/call' }, bug)) as { result: JsonObject };
    expect(tool.result).toMatchObject({
      isError: true,
      _meta: { 'switchyard/error': { code: 'INTERNAL', delivered: 'unknown' } },
    });
    const other = JSON.parse(
      modernError('1', { method: 'prompts/get', capabilities: {} }, bug).text,
    ) as object;
    expect(other).toMatchObject({ error: { code: -32603, data: { code: 'INTERNAL' } } });
    expect(JSON.stringify([tool, other])).not.toContain('secret');
  });

  test('a fault of our own in a step is none of the server either', async () => {
    const b = await started({
      bug: {
        run: () => {
          throw new TypeError('x is not a function');
        },
        safe: true,
      },
    });
    const workflow = { steps: [{ id: 'a', tool: 'bug', on_resume: 'fail' }] };
    const view = await b.workflows.run({ workflow, input: {}, wait: true }, ann);
    expect(view.steps).toMatchObject({ a: { error: { code: 'INTERNAL' } } });
  });
});

describe('the tools of workflows', () => {
  const handlerOf = (b: Bench) => {
    const workflows = {
      get: () => Promise.resolve(b.workflows),
      hasRuns: () => false,
      saved: () => b.workflows.saved(),
      start: () => {},
      ready: () => Promise.resolve(),
      close: () => b.workflows.close(),
    };
    const tools = workflowTools(workflows);
    const handle = metaTools(tools, (name) => Promise.resolve(savedWorkflowTool(workflows, name)))(() =>
      Answer.failed(new Error('passed on')),
    );
    return {
      tools,
      call: async (name: string, args: JsonObject) =>
        (
          await handle({
            method: 'tools/call',
            name,
            params: Json.of({ name, arguments: args }),
            client: ann.client,
            signal: new Cancellation(),
          })
        ).value as JsonObject & { structuredContent: JsonObject; content: { text: string }[] },
    };
  };

  test('a run that waits says what to do, and whether a model may', async () => {
    const b = await started({});
    const { call } = handlerOf(b);
    for (const [by, words] of [
      ['person', /"ok" is for a person to decide, and not for a model.*"switchyard workflow resume wr_/],
      ['caller', /A model may decide "ok".*decision approve \| reject.*"switchyard workflow resume wr_/],
    ] as const) {
      const workflow = { steps: [{ id: 'ok', approve: { message: 'go?', by } }] };
      const answer = await call('run_workflow', { workflow });
      expect(answer).toMatchObject({
        isError: true,
        _meta: { 'switchyard/error': { code: 'NEEDS_ATTENTION', delivered: 'unknown' } },
        structuredContent: { status: 'needs_attention', attention: [{ step: 'ok', by }] },
      });
      expect(answer.structuredContent['next']).toMatch(words);
      expect(answer.content[0]?.text).toMatch(/switchyard workflow resume wr_/);
      const shown = await call('workflow_runs', { run_id: answer.structuredContent['run_id'] });
      expect(shown.structuredContent['next']).toBe(answer.structuredContent['next']);
    }
  });

  test.each([
    ['STEP_FAILED', { steps: [{ id: 'a', tool: 'boom' }] }, 'unknown'],
    ['WORKFLOW_INVALID', { steps: [{ id: 'a', tool: 'nothing' }] }, false],
    ['TIMEOUT', { timeout: '10ms', steps: [{ id: 'w', wait: '1h' }] }, 'unknown'],
  ])('an answer that is an error carries its code, as %s', async (code, workflow, delivered) => {
    const b = await started({ boom: { run: () => ({ isError: true, content: [] }) } });
    const answer = await handlerOf(b).call('run_workflow', { workflow });
    expect(answer).toMatchObject({ isError: true, _meta: { 'switchyard/error': { code, delivered } } });
  });

  test('the text of a run says what came of it, and leaves its steps to the structure', async () => {
    const b = await started({ echo });
    const workflow = {
      steps: [{ id: 'a', tool: 'echo', with: { v: 'word' } }],
      output: '${{ steps.a.output.v }}',
    };
    const { content, structuredContent } = await handlerOf(b).call('run_workflow', { workflow });
    expect(JSON.parse(content[0]?.text ?? '')).toEqual({
      run_id: structuredContent['run_id'],
      status: 'succeeded',
      output: 'word',
    });
    expect(structuredContent['steps']).toMatchObject({ a: { output: { v: 'word' } } });
  });

  test('no object of theirs is without properties and without a word on others', async () => {
    const silent: string[] = [];
    const look = (path: string, schema: unknown): void => {
      if (typeof schema !== 'object' || schema === null) return;
      const { type, properties, additionalProperties } = schema as JsonObject;
      if (type === 'object' && properties === undefined && additionalProperties === undefined)
        silent.push(path);
      for (const [key, part] of Object.entries(schema)) look(`${path}.${key}`, part);
    };
    const { tools } = handlerOf(await started({}));
    for (const tool of tools) look(tool.name, JSON.parse(definitionOf(tool)));
    expect(silent).toEqual([]);
  });

  test('"name" says which saved workflow is run, and not beside a definition', async () => {
    const { call } = handlerOf(await started({}));
    expect((await call('run_workflow', { name: 'gone' })).structuredContent).toMatchObject({
      errors: [{ path: 'workflow', message: expect.stringContaining('"gone"') as unknown }],
    });
    await expect(call('run_workflow', { name: 'x', workflow: { steps: [] } })).rejects.toThrow('both given');
  });
});
