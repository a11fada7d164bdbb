/** The clients that people use, in front of the servers that people use. */
import { execFile } from 'node:child_process';
import { realpathSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import {
  Client as ModernSdkClient,
  StreamableHTTPClientTransport as ModernHttp,
} from '@modelcontextprotocol/client';
import { StdioClientTransport as ModernStdio } from '@modelcontextprotocol/client/stdio';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import {
  CreateMessageRequestSchema,
  ElicitRequestSchema,
  ListRootsRequestSchema,
} from '@modelcontextprotocol/sdk/types.js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CLI, type Running, startHttpProxy, writeConfig } from '../relay/wire/proxies.ts';
import { temporaryFolder } from '../harness/temp-folder.ts';

const run = promisify(execFile);
const resolve = createRequire(import.meta.url).resolve;
const folder = realpathSync(temporaryFolder('clients'));
writeFileSync(join(folder, 'hello.txt'), 'hello from disk');

const CONFIG = {
  mcpServers: {
    everything: server('server-everything', 'stdio'),
    memory: { ...server('server-memory'), env: { MEMORY_FILE_PATH: join(folder, 'memory.json') } },
    files: server('server-filesystem', folder),
  },
  expose: { namespaces: 'always', metaTools: true },
};
/** For clients that differ in their wire only: each starts servers of its own. */
const FEWER = {
  ...CONFIG,
  mcpServers: { everything: CONFIG.mcpServers.everything, memory: CONFIG.mcpServers.memory },
};
const ELICIT = 'everything__trigger-elicitation-request';
const SAMPLE = 'everything__trigger-sampling-request';
const INFO = { name: 'test', version: '1' };
const CAPABILITIES = { sampling: {}, elicitation: {}, roots: { listChanged: true } };

function server(name: string, ...args: string[]): { command: string; args: string[] } {
  const manifest = resolve(`@modelcontextprotocol/${name}/package.json`);
  return { command: process.execPath, args: [join(dirname(manifest), 'dist/index.js'), ...args] };
}

function stdio(config: object = CONFIG): { command: string; args: string[]; stderr: 'ignore' } {
  return { command: process.execPath, args: [CLI, '--config', writeConfig(config)], stderr: 'ignore' };
}

let proxy: Running;
let url: URL;
beforeAll(async () => {
  proxy = await startHttpProxy(CONFIG);
  url = new URL(proxy.url);
});
afterAll(() => proxy.stop());

/** A call waits for its server; a list does not wait for every one. */
async function warm(
  call: (params: { name: string; arguments: Record<string, unknown> }) => Promise<unknown>,
): Promise<void> {
  await call({ name: 'everything__echo', arguments: { message: '' } });
  await call({ name: 'memory__read_graph', arguments: {} });
}

interface Result {
  readonly content?: unknown;
}

function textOf(result: unknown): string {
  const [block] = (result as Result).content as { text: string }[];
  return block?.text ?? '';
}

describe.each([
  ['stdio', () => new StdioClientTransport(stdio())],
  ['Streamable HTTP', () => new StreamableHTTPClientTransport(url)],
])('the v1 SDK’s client over %s', (_carrier, transport) => {
  let client: Client;
  beforeAll(async () => {
    client = new Client(INFO, { capabilities: CAPABILITIES });
    client.setRequestHandler(ElicitRequestSchema, () => ({ action: 'decline' as const }));
    client.setRequestHandler(ListRootsRequestSchema, () => ({ roots: [{ uri: `file://${folder}` }] }));
    client.setRequestHandler(CreateMessageRequestSchema, () => ({
      role: 'assistant' as const,
      model: 'test-model',
      content: { type: 'text' as const, text: 'a made-up answer' },
    }));
    await client.connect(transport());
    await warm((params) => client.callTool(params));
    await client.callTool({ name: 'files__list_allowed_directories', arguments: {} });
  });
  afterAll(() => client.close());

  test('lists tools, prompts, resources and templates of all servers', async () => {
    const { tools } = await client.listTools();
    const names = tools.map(({ name }) => name);
    for (const name of ['everything__echo', 'memory__read_graph', 'files__read_text_file', 'proxy_status'])
      expect(names).toContain(name);
    expect((await client.listPrompts()).prompts.length).toBeGreaterThan(0);
    expect((await client.listResources()).resources.length).toBeGreaterThan(0);
    expect((await client.listResourceTemplates()).resourceTemplates.length).toBeGreaterThan(0);
    expect(client.getServerVersion()?.name).toBe('switchyard');
  });

  test('calls a tool of each server, the validation of structured content included', async () => {
    const echo = await client.callTool({ name: 'everything__echo', arguments: { message: 'hi' } });
    expect(textOf(echo)).toBe('Echo: hi');
    const graph = await client.callTool({ name: 'memory__read_graph', arguments: {} });
    expect(graph.structuredContent).toEqual({ entities: [], relations: [] });
    const path = join(folder, 'hello.txt');
    const file = await client.callTool({ name: 'files__read_text_file', arguments: { path } });
    expect(textOf(file)).toBe('hello from disk');
  });

  test('reads a resource, gets a prompt, completes an argument', async () => {
    const { resources } = await client.listResources();
    const uri = resources[0]?.uri ?? '';
    expect((await client.readResource({ uri })).contents[0]?.uri).toBe(uri);
    const prompt = await client.getPrompt({ name: 'everything__simple-prompt' });
    expect(prompt.messages).toHaveLength(1);
    const ref = { type: 'ref/prompt' as const, name: 'everything__completable-prompt' };
    const { completion } = await client.complete({ ref, argument: { name: 'department', value: 'E' } });
    expect(completion.values).toContain('Engineering');
  });

  test('shows progress of a long call', async () => {
    const steps: number[] = [];
    await client.callTool(
      { name: 'everything__trigger-long-running-operation', arguments: { duration: 0.4, steps: 4 } },
      undefined,
      { onprogress: ({ progress }) => steps.push(progress) },
    );
    // The last one may come in one chunk with the answer: the SDK's clients drop it then.
    expect(steps.slice(0, 3)).toEqual([1, 2, 3]);
  });

  test('refuses an unknown tool with a protocol error', async () => {
    await expect(client.callTool({ name: 'everything__ecko' })).rejects.toThrow('everything__echo');
  });

  test('answers the questions of a server', async () => {
    const names = (await client.listTools()).tools.map(({ name }) => name);
    expect(names).toContain(ELICIT);
    const elicited = await client.callTool({ name: ELICIT, arguments: {} });
    expect(JSON.stringify(elicited.content)).toContain('declined');
    const sampled = await client.callTool({ name: SAMPLE, arguments: { prompt: 'x', maxTokens: 5 } });
    expect(JSON.stringify(sampled.content)).toContain('a made-up answer');
  });
});

describe.each([
  ['legacy', 'stdio', undefined],
  ['auto', 'stdio', 'auto' as const],
  ['pinned to 2026-07-28', 'stdio', { pin: '2026-07-28' }],
  ['legacy', 'HTTP', undefined],
  ['auto', 'HTTP', 'auto' as const],
  ['pinned to 2026-07-28', 'HTTP', { pin: '2026-07-28' }],
])('the v2 SDK’s client, %s, over %s', (_era, carrier, mode) => {
  let client: ModernSdkClient;
  beforeAll(async () => {
    client = new ModernSdkClient(INFO, {
      capabilities: { elicitation: {}, sampling: {} },
      ...(mode !== undefined && { versionNegotiation: { mode } }),
    });
    client.setRequestHandler('elicitation/create', () => ({ action: 'decline' as const }));
    await client.connect(carrier === 'HTTP' ? new ModernHttp(url) : new ModernStdio(stdio(FEWER)));
    await warm((params) => client.callTool(params));
  });
  afterAll(() => client.close());

  test('speaks the revision it asked for', () => {
    const expected = mode === undefined ? '2025-11-25' : '2026-07-28';
    expect(client.getNegotiatedProtocolVersion()).toBe(expected);
  });

  test('lists and calls', async () => {
    const { tools } = await client.listTools();
    expect(tools.map(({ name }) => name)).toContain('memory__read_graph');
    const echo = await client.callTool({ name: 'everything__echo', arguments: { message: 'hü' } });
    expect(textOf(echo)).toBe('Echo: hü');
    const graph = await client.callTool({ name: 'memory__read_graph', arguments: {} });
    expect(graph.structuredContent).toEqual({ entities: [], relations: [] });
    const { resources } = await client.listResources();
    const uri = resources[0]?.uri ?? '';
    expect((await client.readResource({ uri })).contents[0]?.uri).toBe(uri);
  });

  test('shows progress of a long call', async () => {
    const steps: number[] = [];
    await client.callTool(
      { name: 'everything__trigger-long-running-operation', arguments: { duration: 0.4, steps: 4 } },
      { onprogress: ({ progress }) => steps.push(progress) },
    );
    // The last one may come in one chunk with the answer: the SDK's clients drop it then.
    expect(steps.slice(0, 3)).toEqual([1, 2, 3]);
  });

  test('answers an elicitation of a legacy server', async () => {
    const elicited = await client.callTool({ name: ELICIT, arguments: {} });
    expect(JSON.stringify(elicited.content)).toContain('declined');
  });
});

describe('the Inspector’s command line', () => {
  const inspector = join(
    dirname(resolve('@modelcontextprotocol/inspector/package.json')),
    '../../.bin/mcp-inspector',
  );

  async function inspect(...args: string[]): Promise<Result & { tools?: { name: string }[] }> {
    const { stdout } = await run(inspector, ['--cli', ...args], { timeout: 30_000 });
    return JSON.parse(stdout) as Result;
  }
  const call = ['--method', 'tools/call', '--tool-name', 'everything__echo', '--tool-arg', 'message=hi'];

  test.each(['legacy', 'modern'])('lists and calls over HTTP (%s)', async (era) => {
    const at = [proxy.url, '--transport', 'http', '--protocol-era', era];
    const [{ tools }, echo] = await Promise.all([
      inspect(...at, '--method', 'tools/list'),
      inspect(...at, ...call),
    ]);
    expect(tools?.map(({ name }) => name)).toContain('memory__read_graph');
    expect(textOf(echo)).toBe('Echo: hi');
  });

  test('calls over stdio', async () => {
    // It takes `--config` for an option of its own.
    const at = [process.execPath, CLI, '-e', `SWITCHYARD_CONFIG=${writeConfig(FEWER)}`];
    expect(textOf(await inspect(...at, ...call))).toBe('Echo: hi');
  });
});
