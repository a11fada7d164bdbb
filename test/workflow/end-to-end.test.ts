/** Workflows through the real proxy as a process: what a client sees, and what the servers and the disk say. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { type HttpCaller, httpClient } from '../harness/http-client.ts';
import type { RpcMessage } from '../harness/ledger.ts';
import { type Entry, type ProxyOptions, type ProxyUnderTest, startProxy, textOf } from '../harness/proxy.ts';
import { temporaryFolder } from '../harness/temp-folder.ts';
import { until } from '../harness/until.ts';

const LEDGER_SERVER = fileURLToPath(new URL('../fixtures/servers/ledger-server.mjs', import.meta.url));
const FORMS = { elicitation: { form: {} } };

const GREET = `description: Says hello
input: { type: object, properties: { who: { type: string, default: you } } }
steps:
  - { id: look, tool: desk__read, with: { key: "look-\${{ input.who }}" } }
  - { id: say, tool: desk__write, with: { key: "\${{ steps.look.output }}-\${{ input.who }}" } }
output: { said: "hello \${{ input.who }}", by: "\${{ steps.say.output }}" }
`;

interface Bench {
  readonly proxy: ProxyUnderTest;
  readonly folder: string;
  /** Over stdio: the very first answer to `tools/list`. */
  readonly firstList: readonly string[];
  /** What the server has run, in order: `KEY TOOL`. */
  readonly ran: () => string[];
}

/** The proxy in front of one server, `desk`, that writes down what it runs: `read` is safe to repeat, `write` is not. */
async function bench(workflows: Entry = {}, options: ProxyOptions = {}): Promise<Bench> {
  const folder = options.folder ?? temporaryFolder('case');
  const entry = {
    command: process.execPath,
    args: [LEDGER_SERVER, 'desk', folder, 'read', 'write'],
    tools: { safeToRepeat: ['read'] },
    stopGraceMs: 300,
  };
  const config = { workflows, expose: { namespaces: 'always' }, ...options.config };
  // Not counted: open files. The engine is loaded on the way.
  const proxy = await startProxy({ desk: entry }, { ...options, folder, config, unready: true });
  if (!options.http) await proxy.greet(options.capabilities);
  const firstList = options.http ? [] : await proxy.toolNames();
  const file = join(folder, 'ledger');
  const ran = (): string[] =>
    existsSync(file)
      ? readFileSync(file, 'utf8')
          .trimEnd()
          .split('\n')
          .map((line) => line.replace(/ desk$/, ''))
      : [];
  return { proxy, folder, firstList, ran };
}

function saved(name: string, text: string): string {
  const folder = temporaryFolder('case');
  mkdirSync(join(folder, 'workflows'));
  writeFileSync(join(folder, 'workflows', `${name}.yaml`), text);
  return folder;
}

interface Structured {
  readonly [key: string]: unknown;
  readonly run_id: string;
  readonly errors: readonly { readonly path: string; readonly message: string }[];
}

function structured(answer: RpcMessage): Structured {
  if (answer.result?.['structuredContent'] === undefined) throw new Error(JSON.stringify(answer));
  return answer.result['structuredContent'] as Structured;
}

async function run(proxy: ProxyUnderTest, args: Entry): Promise<Structured> {
  return structured(await proxy.call('run_workflow', args));
}

/** Answers the next question to the user. @returns what was asked. */
async function answerNext(proxy: ProxyUnderTest, result: Entry): Promise<string> {
  const before = proxy.clientNotifications('elicitation/create').length;
  const question = await until('a question', () => proxy.clientNotifications('elicitation/create')[before]);
  proxy.send(JSON.stringify({ jsonrpc: '2.0', id: question.id, result }));
  return String(question.params?.['message']);
}

const reads = { steps: [{ id: 'a', tool: 'desk__read', with: { key: 'r' } }] };
const writes = { steps: [{ id: 'a', tool: 'desk__write', with: { key: 'w' } }] };
const accept = (content: Entry): Entry => ({ action: 'accept', content });

describe('a saved workflow', () => {
  test('is a tool from the very first list on, and runs', async () => {
    const folder = saved('greet', GREET);
    const { proxy, firstList, ran } = await bench({ files: ['./workflows/*.yaml'] }, { folder });
    expect(firstList).toContain('workflow__greet');
    const answer = await proxy.call('workflow__greet', { who: 'ann' });
    expect(structured(answer)).toMatchObject({
      status: 'succeeded',
      output: { said: 'hello ann', by: 'desk' },
    });
    expect(answer.result).not.toHaveProperty('isError', true);
    expect(ran()).toEqual(['look-ann read', 'desk-ann write']);
  });

  test('can be called before anything was listed', async () => {
    const folder = saved('greet', GREET);
    const config = { workflows: { files: ['./workflows/*.yaml'] }, expose: { namespaces: 'always' } };
    const args = [LEDGER_SERVER, 'desk', folder, 'read', 'write'];
    const proxy = await startProxy(
      { desk: { command: process.execPath, args } },
      { folder, config, unready: true },
    );
    await proxy.greet();
    const answer = await proxy.call('workflow__greet', { who: 'ann' });
    expect(structured(answer)).toMatchObject({ status: 'succeeded', output: { said: 'hello ann' } });
  });

  test('that cannot run says what is wrong with it when it is called', async () => {
    const folder = saved('broken', 'steps: [{ id: a, tool: desk__reed }]\n');
    const { proxy, firstList } = await bench({ files: ['./workflows/*.yaml'] }, { folder });
    expect(firstList).not.toContain('workflow__broken');
    const answer = await proxy.call('workflow__broken');
    expect(answer.result).toMatchObject({ isError: true, structuredContent: { valid: false } });
    expect(structured(answer).errors).toMatchObject([{ path: 'steps[0].tool' }]);
  });

  test('that no glob of the config matches is no tool', async () => {
    const folder = saved('greet', GREET);
    const { proxy, firstList } = await bench({ files: ['./elsewhere/*.yaml'] }, { folder });
    expect(firstList).not.toContain('workflow__greet');
    expect(textOf(await proxy.call('workflow__greet'))).toContain('workflow__greet');
    expect((await run(proxy, { workflow: 'greet' })).errors).toMatchObject([{ path: 'workflow' }]);
  });
});

describe('a definition in the call', () => {
  test('is planned without calling anything, and ten mistakes are ten errors', async () => {
    const { proxy, ran } = await bench();
    const plan = await run(proxy, { workflow: writes, dry_run: true });
    expect(plan).toMatchObject({ valid: true, plan: { levels: [['a']], no_undo: ['a'], max_calls: 1 } });
    const mistaken = {
      nam: 'x',
      timeout: '5 minutes',
      on_error: 'roll_back',
      steps: [
        { id: 'a', tool: 'reed', with: {} },
        { id: 'b', tool: 'desk__read', foreach: 5 },
        { id: 'c', tool: 'desk__read', args: {} },
        { id: 'd', set: { x: '${{ steps.aa.output }}' } },
        { id: 'e', set: { x: '${{ 1 = 2 }}' }, after: ['dd'] },
        { id: 'e', set: { x: 1 } },
      ],
    };
    const answer = await proxy.call('run_workflow', { workflow: mistaken });
    expect(answer.result).toMatchObject({ isError: true, structuredContent: { valid: false } });
    const places = structured(answer).errors.map(({ path }) => path);
    expect(places.toSorted()).toEqual(
      [
        'nam',
        'timeout',
        'on_error',
        'steps[0].tool',
        'steps[1].foreach',
        'steps[2].args',
        'steps[3].set.x',
        'steps[4].set.x',
        'steps[4].after[0]',
        'steps[5].id',
      ].toSorted(),
    );
    expect(ran()).toEqual([]);
  });

  test('is refused by "off", whatever it does; the saved ones still run', async () => {
    const folder = saved('greet', GREET);
    const { proxy, ran } = await bench({ files: ['./workflows/*.yaml'], inline: 'off' }, { folder });
    expect((await run(proxy, { workflow: reads })).errors[0]?.message).toContain('switched off');
    expect(ran()).toEqual([]);
    expect(await run(proxy, { workflow: 'greet' })).toMatchObject({ status: 'succeeded' });
  });

  test('may only read with "read-only"', async () => {
    const { proxy, ran } = await bench({ inline: 'read-only' });
    expect((await run(proxy, { workflow: writes })).errors[0]?.message).toContain('desk__write');
    expect(await run(proxy, { workflow: reads })).toMatchObject({ status: 'succeeded' });
    expect(ran()).toEqual(['r read']);
  });

  test('is shown to the user with "ask" if it writes, and runs after a yes only; "allow" asks nobody', async () => {
    const { proxy, ran } = await bench({ inline: 'ask' }, { capabilities: FORMS });
    const refused = proxy.call('run_workflow', { workflow: writes });
    expect(await answerNext(proxy, { action: 'decline' })).toContain('desk__write');
    expect(textOf(await refused)).toContain('did not agree');
    expect(ran()).toEqual([]);
    const agreed = run(proxy, { workflow: writes });
    await answerNext(proxy, accept({ confirm: true }));
    expect(await agreed).toMatchObject({ status: 'succeeded' });
    await run(proxy, { workflow: reads });
    expect(proxy.clientNotifications('elicitation/create')).toHaveLength(2);
    expect(ran()).toEqual(['w write', 'r read']);

    const free = await bench({ inline: 'allow' }, { capabilities: FORMS });
    expect(await run(free.proxy, { workflow: writes })).toMatchObject({ status: 'succeeded' });
    expect(free.proxy.clientNotifications('elicitation/create')).toEqual([]);
  });
});

test('a limit of the config holds: a definition with more steps is refused before the first call', async () => {
  const { proxy, ran } = await bench({ inline: 'allow', limits: { steps: 1 } });
  const step = { tool: 'desk__read', with: { key: 'k' } };
  const two = {
    steps: [
      { ...step, id: 'a' },
      { ...step, id: 'b' },
    ],
  };
  const refused = await proxy.call('run_workflow', { workflow: two });
  expect(textOf(refused)).toContain('at most 1 steps');
  expect(ran()).toEqual([]);
});

describe('an approval', () => {
  const guarded = {
    steps: [
      { id: 'ok', approve: { message: 'Close 3 issues?' } },
      { id: 'close', after: ['ok'], tool: 'desk__write', with: { key: 'closed' } },
    ],
  };

  test('is asked of the user by elicitation: no is no, yes goes on', async () => {
    const { proxy, ran } = await bench({ inline: 'allow' }, { capabilities: FORMS });
    const rejected = run(proxy, { workflow: guarded });
    expect(await answerNext(proxy, { action: 'decline' })).toContain('Close 3 issues?');
    expect(await rejected).toMatchObject({ steps: { close: { status: 'skipped' } } });
    expect(ran()).toEqual([]);
    const approved = run(proxy, { workflow: guarded });
    await answerNext(proxy, accept({ confirm: true }));
    expect(await approved).toMatchObject({ status: 'succeeded', steps: { close: { status: 'succeeded' } } });
    expect(ran()).toEqual(['closed write']);
  });

  test('is not given by the model, where nobody can be asked', async () => {
    const { proxy, ran } = await bench({ inline: 'allow' });
    const { run_id, ...waiting } = await run(proxy, { workflow: guarded });
    expect(waiting).toMatchObject({ status: 'needs_attention', attention: [{ step: 'ok' }] });
    const answer = await proxy.call('resume_workflow', { run_id, decision: 'approve' });
    expect(textOf(answer)).toContain('is for a person to approve');
    expect(ran()).toEqual([]);
    await proxy.call('cancel_workflow', { run_id });
  });
});

describe('the tools that go on with runs', () => {
  const listed = async (proxy: ProxyUnderTest): Promise<readonly string[]> => {
    const { result } = await proxy.request('tools/list', {}, 10_000);
    return (result?.['tools'] as { readonly name: string }[])
      .map(({ name }) => name)
      .filter((name) => /^(resume|cancel)_workflow$/.test(name));
  };

  test.each([{}, { files: ['./workflows/*.yaml'] }])(
    'are listed from the first run on, also by the next proxy, with the workflows %o',
    async (workflows) => {
      const folder = saved('greet', GREET);
      const first = await bench({ ...workflows, inline: 'allow' }, { folder });
      expect(await listed(first.proxy)).toEqual([]);
      await run(first.proxy, { workflow: reads, dry_run: true });
      expect(await listed(first.proxy)).toEqual([]);
      const before = first.proxy.clientNotifications('notifications/tools/list_changed').length;
      await run(first.proxy, { workflow: reads });
      expect(await listed(first.proxy)).toEqual(['resume_workflow', 'cancel_workflow']);
      expect(first.proxy.clientNotifications('notifications/tools/list_changed').length).toBe(before + 1);
      await run(first.proxy, { workflow: reads });
      expect(first.proxy.clientNotifications('notifications/tools/list_changed').length).toBe(before + 1);
      await first.proxy.stop();
      const second = await bench({ ...workflows, inline: 'allow' }, { folder });
      expect(await listed(second.proxy)).toEqual(['resume_workflow', 'cancel_workflow']);
    },
  );
});

describe('a run', () => {
  test('whose proxy is killed goes on at the next start; what is not safe to repeat runs at most once', async () => {
    const first = await bench({ inline: 'allow' });
    const { folder, proxy } = first;
    const long = await run(proxy, {
      workflow: {
        steps: [
          { id: 'before', tool: 'desk__write', with: { key: 'before' } },
          { id: 'slow', after: ['before'], tool: 'desk__read', with: { key: 'slow', ms: 1500 } },
          { id: 'after', tool: 'desk__write', with: { key: '${{ steps.slow.output }}-after' } },
        ],
        output: { before: '${{ steps.before.output }}', after: '${{ steps.after.output }}' },
      },
      wait: false,
    });
    const doubtful = await run(proxy, {
      workflow: {
        steps: [
          { id: 'pay', tool: 'desk__write', with: { key: 'pay', ms: 60_000 } },
          { id: 'tell', tool: 'desk__write', with: { key: 'tell-${{ steps.pay.output }}' } },
        ],
      },
      wait: false,
    });
    await until('both to be in the middle', () =>
      ['slow read', 'pay write'].every((one) => first.ran().includes(one)),
    );
    proxy.child.kill('SIGKILL');
    await proxy.exited;

    const second = await bench({ inline: 'allow' }, { folder });
    const at = async (run_id: string): Promise<Structured> =>
      structured(await second.proxy.call('workflow_runs', { run_id }));
    const ended = await until('the run to end', async () => {
      const seen = await at(long.run_id);
      return seen['status'] !== 'running' && seen;
    });
    expect(ended).toMatchObject({ status: 'succeeded', output: { before: 'desk', after: 'desk' } });
    expect(await at(doubtful.run_id)).toMatchObject({
      status: 'needs_attention',
      attention: [{ step: 'pay', options: expect.arrayContaining(['retry', 'done']) as unknown }],
      steps: { pay: { status: 'in_doubt' }, tell: { status: 'pending' } },
    });
    const decided = await second.proxy.call('resume_workflow', {
      run_id: doubtful.run_id,
      decision: 'done',
      output: 'paid',
    });
    expect(structured(decided)).toMatchObject({ status: 'succeeded' });
    const writesRun = second.ran().filter((line) => line.endsWith(' write'));
    expect(writesRun.toSorted()).toEqual([
      'before write',
      'desk-after write',
      'pay write',
      'tell-paid write',
    ]);
    expect(second.ran().filter((line) => line === 'slow read')).toHaveLength(2);
  });

  test('of another HTTP client is as unknown as one that does not exist', async () => {
    const { proxy } = await bench({ inline: 'allow' }, { http: true });
    const [ann, bob] = await Promise.all([httpClient(proxy).greet(), httpClient(proxy).greet()]);
    await ann.request('tools/list');
    const { run_id } = structured(await ann.call('run_workflow', { workflow: reads }));
    expect(structured(await ann.call('workflow_runs', { run_id }))).toMatchObject({ status: 'succeeded' });
    expect(structured(await bob.call('workflow_runs'))).toEqual({ runs: [] });
    for (const name of ['workflow_runs', 'resume_workflow', 'cancel_workflow']) {
      const [his, nobodys] = await Promise.all([
        bob.call(name, { run_id }),
        bob.call(name, { run_id: 'wr_nothing' }),
      ]);
      expect(textOf(his).replaceAll(run_id, 'ID')).toBe(textOf(nobodys).replaceAll('wr_nothing', 'ID'));
      expect(textOf(his)).toContain('no run');
    }
  });

  test('over HTTP with tokens is its person’s: seen in every session of theirs, and in nobody else’s', async () => {
    const http = { tokens: { ann: 'token-of-ann', bob: 'token-of-bob' } };
    const { proxy } = await bench({ inline: 'allow' }, { http: true, config: { http } });
    const [ann, again, bob] = await Promise.all(
      ['token-of-ann', 'token-of-ann', 'token-of-bob'].map((token) => httpClient(proxy, { token }).greet()),
    );
    await ann?.request('tools/list');
    const { run_id } = structured(await (ann as HttpCaller).call('run_workflow', { workflow: reads }));
    const [hers, his] = await Promise.all(
      [again, bob].map((one) => (one as HttpCaller).call('workflow_runs')),
    );
    expect(structured(hers as RpcMessage)).toMatchObject({ runs: [{ run_id }] });
    expect(structured(his as RpcMessage)).toEqual({ runs: [] });
  });
});
