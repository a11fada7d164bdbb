/**
 * The main job, on real servers: starts the proxy over stdio as a client does, in front of four servers from npm,
 * uses every one of them through it, and checks each answer. Ends by itself; exit 0 only if all was as expected.
 *
 * Run with `npm run demo`. Linux and macOS.
 */
import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { mkdtemp, mkdir, readdir, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js';

const BOUND_MS = 60_000;
const require = createRequire(import.meta.url);
const cli = fileURLToPath(new URL('../dist/cli.js', import.meta.url));

const started = performance.now();
const failures = [];
const asked = [];
const progressSeen = [];
const folder = await realpath(await mkdtemp(join(tmpdir(), 'switchyard-demo-')));
const client = new Client(
  { name: 'switchyard-demo', version: '1.0.0' },
  { capabilities: { elicitation: { form: {} } } },
);
client.setRequestHandler(ElicitRequestSchema, ({ params }) => {
  asked.push(params.message);
  return { action: 'accept', content: { name: 'Ada', check: true } };
});

const bound = setTimeout(() => {
  console.error(`\nThe demo did not end within ${BOUND_MS / 1000} s.`);
  rmSync(folder, { recursive: true, force: true });
  process.exit(1);
}, BOUND_MS);

try {
  await demo();
} catch (error) {
  failures.push(error instanceof Error ? error.message : String(error));
  console.error(error);
} finally {
  await client.close();
  await rm(folder, { recursive: true, force: true });
  clearTimeout(bound);
}

const seconds = ((performance.now() - started) / 1000).toFixed(1);
console.log(
  failures.length === 0
    ? `\nDone in ${seconds} s: everything was as expected.`
    : `\nDone in ${seconds} s. NOT as expected:\n  ${failures.join('\n  ')}`,
);
process.exitCode = failures.length === 0 ? 0 : 1;

async function demo() {
  heading('Start');
  const transport = await startProxy();
  await client.connect(transport);
  watchProgress(transport);
  const { name, version } = client.getServerVersion();
  say(`connected to ${name} ${version} over stdio, process ${transport.pid}`);
  check('the proxy says who it is', name === 'switchyard');

  await listTools();
  await callEachServer();
  await showProgress();
  await showElicitation();
  await runWorkflow();
  await killOneServer(transport.pid);

  heading('Status');
  const { servers } = await status();
  for (const server of servers)
    say(
      `${server.server}: ${server.state}, ${server.tools} tools, ${server.calls} calls, ${server.errors} errors`,
    );
  // A server that has failed lately may be called degraded for a while: it works.
  const works = ({ state }) => state === 'ready' || state === 'degraded';
  check('all four servers work', servers.length === 4 && servers.every(works));

  heading('Stop');
  const children = await childrenOf(transport.pid);
  await client.close();
  await until(async () => (await Promise.all(children.map(isGone))).every(Boolean), 5000);
  check('no server process is left', (await Promise.all(children.map(isGone))).every(Boolean));
  say(`the proxy and its ${children.length} server processes are gone`);
}

async function startProxy() {
  const files = join(folder, 'files');
  await mkdir(files);
  await writeFile(join(files, 'hello.txt'), 'Hello from a real file.\n');
  const config = join(folder, 'switchyard.json');
  const settings = {
    mcpServers: {
      memory: server('memory', [], { MEMORY_FILE_PATH: join(folder, 'memory.json') }),
      files: server('filesystem', [files]),
      everything: server('everything', ['stdio']),
      thinking: server('sequential-thinking', []),
    },
    workflows: {
      files: [fileURLToPath(new URL('workflow-research-note/research_note.yaml', import.meta.url))],
    },
    // So that each listed tool tells which server answers it.
    expose: { origin: true },
    stateDir: join(folder, 'state'),
    log: { level: 'error' },
  };
  await writeFile(config, JSON.stringify(settings, null, 2));
  for (const [key, { args }] of Object.entries(settings.mcpServers))
    say(`${key}: node ${args.map(short).join(' ')}`);
  return new StdioClientTransport({ command: process.execPath, args: [cli, '--config', config] });
}

/** An installed npm server, run by this Node. */
function server(name, args, env = {}) {
  const manifest = require.resolve(`@modelcontextprotocol/server-${name}/package.json`);
  const [file] = Object.values(require(manifest).bin);
  return { command: process.execPath, args: [join(manifest, '..', file), ...args], env };
}

async function listTools() {
  heading('One list of tools, and who answers');
  const servers = ['memory', 'files', 'everything', 'thinking'];
  let tools = [];
  // A server that is late joins the list; on a busy machine that may be after the first one.
  await until(async () => {
    ({ tools } = await client.listTools());
    return servers.every((key) => tools.some((tool) => originOf(tool) === key));
  }, 20_000);
  const byServer = groupBy(tools, originOf);
  for (const [key, own] of byServer) {
    say(`${key} answers ${own.length}:`);
    for (const line of wrapped(own.map((tool) => tool.name))) say(`  ${line}`);
  }
  check(
    'all four servers are in the list',
    servers.every((key) => byServer.has(key)),
  );
  check('no name is there twice', new Set(tools.map((tool) => tool.name)).size === tools.length);
}

function originOf({ _meta }) {
  return _meta?.['switchyard/server'] ?? 'the proxy itself';
}

function groupBy(items, keyOf) {
  const groups = new Map();
  for (const item of items) groups.set(keyOf(item), [...(groups.get(keyOf(item)) ?? []), item]);
  return groups;
}

async function callEachServer() {
  heading('A call to each server');
  await call('memory__create_entities', {
    entities: [{ name: 'Switchyard', entityType: 'program', observations: ['stands in front of many'] }],
  });
  const graph = await call('memory__read_graph', {});
  check('memory remembers', textOf(graph).includes('stands in front of many'));
  const file = await call('files__read_text_file', { path: join(folder, 'files', 'hello.txt') });
  check('the file is read', textOf(file).includes('Hello from a real file.'));
  const sum = await call('everything__get-sum', { a: 2, b: 40 });
  check('the sum is right', textOf(sum).includes('42'));
  const thought = await call('thinking__sequentialthinking', {
    thought: 'One entry is enough.',
    nextThoughtNeeded: false,
    thoughtNumber: 1,
    totalThoughts: 1,
  });
  check('the thought is taken', thought.isError !== true && textOf(thought).includes('thoughtNumber'));
}

async function showProgress() {
  heading('Progress of one call');
  progressSeen.length = 0;
  await call(
    'everything__trigger-long-running-operation',
    { duration: 1, steps: 4 },
    { onprogress: () => {} },
  );
  check('every step is reported, in order', progressSeen.join() === '1,2,3,4');
}

/**
 * SDK 1.x hands progress to its caller one turn later than the result, so that the last step is lost where both
 * come in one piece, without a proxy as well. What counts here is what arrives.
 */
function watchProgress(transport) {
  const { onmessage } = transport;
  transport.onmessage = (message, extra) => {
    if (message.method === 'notifications/progress') {
      const { progress, total } = message.params;
      say(`step ${progress} of ${total}`);
      progressSeen.push(progress);
    }
    onmessage(message, extra);
  };
}

async function showElicitation() {
  heading('A question from the server to the user');
  const result = await call('everything__trigger-elicitation-request', {});
  say(`asked: ${asked.join(' | ')}`);
  check('exactly one question came through', asked.length === 1);
  check('the answer reached the server', textOf(result).includes('Ada'));
}

async function runWorkflow() {
  heading('Seven steps over three servers in one call: a workflow');
  const sources = join(folder, 'files', 'sources');
  await mkdir(sources);
  for (const title of ['Green tea', 'Rooibos']) await writeFile(join(sources, `${title}.md`), `${title}\n`);
  const note = join(folder, 'files', 'note.md');
  const { structuredContent: run } = await call('workflow__research_note', { topic: 'tea', sources, note });
  for (const [id, step] of Object.entries(run.steps)) say(`${id}: ${step.status}, ${step.duration_ms} ms`);
  check('the workflow succeeded', run.status === 'succeeded' && run.output.sources === 2);
  check('the note it wrote names both sources', /Green tea[^]*Rooibos/.test(await readFile(note, 'utf8')));
}

async function killOneServer(proxyPid) {
  heading('One server is killed while it works');
  const victim = (await childrenOf(proxyPid)).find(({ command }) => command.includes('server-everything'));
  if (!victim) throw new Error('the process of "everything" was not found');
  const underway = client.callTool({
    name: 'everything__trigger-long-running-operation',
    arguments: { duration: 20, steps: 2 },
  });
  await until(async () => (await status('everything')).servers[0].inFlight === 1, 5000);
  process.kill(victim.pid, 'SIGKILL');
  say(`SIGKILL to process ${victim.pid}`);
  const answer = await underway;
  say(`the call under way: ${textOf(answer)}`);
  const failure = answer._meta?.['switchyard/error'];
  check('the call under way gets a clear error', answer.isError === true && failure?.server === 'everything');
  const graph = await call('memory__read_graph', {});
  check('the others still answer', graph.isError !== true);
  const echo = await call('everything__echo', { message: 'back again' });
  check('the killed server answers again', textOf(echo).includes('back again'));
  const successor = (await childrenOf(proxyPid)).find(({ command }) => command.includes('server-everything'));
  say(`it runs again, as process ${successor?.pid}`);
  check('by a new process', successor !== undefined && successor.pid !== victim.pid);
}

async function call(name, args, options) {
  const start = performance.now();
  const result = await client.callTool({ name, arguments: args }, undefined, options);
  const ms = (performance.now() - start).toFixed(1).padStart(7);
  say(`${ms} ms  ${name}  ->  ${short(textOf(result).replaceAll(/\s+/g, ' '))}`);
  if (result.isError) failures.push(`${name}: ${textOf(result)}`);
  return result;
}

async function status(server) {
  const result = await client.callTool({
    name: 'proxy_status',
    arguments: server === undefined ? {} : { server },
  });
  return result.structuredContent;
}

function textOf({ content }) {
  return content.map((block) => block.text ?? `[${block.type}]`).join(' ');
}

/** @returns the direct child processes of a process, with what they run */
async function childrenOf(parent) {
  const all = process.platform === 'linux' ? await processesFromProc() : processesFromPs();
  return all.filter(({ ppid }) => ppid === parent);
}

/** From /proc: a slim container has no `ps`. */
async function processesFromProc() {
  const ids = (await readdir('/proc')).filter((entry) => /^\d+$/.test(entry));
  const found = await Promise.all(
    ids.map(async (id) => {
      try {
        const stat = await readFile(`/proc/${id}/stat`, 'utf8');
        const command = await readFile(`/proc/${id}/cmdline`, 'utf8');
        const [, ppid] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
        return { pid: Number(id), ppid: Number(ppid), command: command.replaceAll('\0', ' ') };
      } catch {
        // It ended while we looked.
        return [];
      }
    }),
  );
  return found.flat();
}

function processesFromPs() {
  const lines = execFileSync('ps', ['-A', '-o', 'pid=,ppid=,command='], { encoding: 'utf8' }).split('\n');
  return lines.flatMap((line) => {
    const [, pid, ppid, command] = /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line) ?? [];
    return command === undefined ? [] : [{ pid: Number(pid), ppid: Number(ppid), command }];
  });
}

async function isGone({ pid, command }) {
  const all = process.platform === 'linux' ? await processesFromProc() : processesFromPs();
  return !all.some((one) => one.pid === pid && one.command === command);
}

/** Waits for something to become true, at most so long; what comes after checks whether it did. */
async function until(holds, ms) {
  const end = performance.now() + ms;
  while (!(await holds()) && performance.now() < end) await new Promise((done) => setTimeout(done, 25));
}

function check(what, holds) {
  console.log(`  ${holds ? 'ok ' : 'NOT'} ${what}`);
  if (!holds) failures.push(what);
}

function heading(text) {
  console.log(`\n${text}`);
}

function say(text) {
  console.log(`      ${text}`);
}

function wrapped(names) {
  const lines = [''];
  for (const name of names) {
    if (lines.at(-1) !== '' && lines.at(-1).length + name.length > 90) lines.push('');
    lines[lines.length - 1] += `${lines.at(-1) === '' ? '' : ' '}${name}`;
  }
  return lines;
}

function short(text) {
  const relative = text.replaceAll(folder, '$DEMO').replace(/^.*node_modules\//, '');
  return relative.length > 100 ? `${relative.slice(0, 99)}…` : relative;
}
