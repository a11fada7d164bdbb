/** The keys at the top of a file. `fill.ts` fills in defaults after the files have been merged. */
import * as z from 'zod';
import { CLIENT_IDS } from '../dialects/client-ids.ts';
import {
  anyTable,
  choice,
  count,
  duration,
  field,
  flag,
  listOf,
  nonEmptyText,
  readerOf,
  size,
  tableOf,
  text,
} from './fields.ts';
import { proxyLimits, workflowLimits } from './limit-keys.ts';
import type { Reader } from './reader.ts';
import { poolKeys, retryBudgetKeys } from './resilience-keys.ts';
import { key, requiredKey, section } from './section.ts';
import { defaultsSection, serverSection } from './server-keys.ts';
import { composedToolKeys } from './tool-keys.ts';

/** Each server is read by itself, since a disabled one is read differently: here any value will do. */
const servers: Reader<unknown> = readerOf(z.unknown(), { kind: 'table', of: serverSection });

const MODES = ['all', 'slim', 'search', 'auto'] as const;

const exposeKeys = {
  namespaces: key(choice(['auto', 'always', 'none']), {
    doc: '`auto`: names carry a prefix unless exactly one server is configured; `always`, `none`',
    byDefault: 'auto',
    example: 'always',
  }),
  maxNameLength: key(count(16, 128), {
    doc: 'longer names are cut and end in a hash',
    byDefault: 46,
    example: 60,
  }),
  metaTools: key(flag(), {
    doc: "whether the proxy's own tools are listed",
    byDefault: true,
    example: false,
  }),
  origin: key(flag(), {
    doc: "whether a tool's `_meta` names its server and its own name there",
    byDefault: false,
    example: true,
  }),
  pageSize: key(count(0), {
    doc: 'items of one page of a list; 0: all in one',
    byDefault: 0,
    example: 100,
  }),
  listWaitMs: key(duration(0), {
    doc: "how long a client's first list waits, from its `initialize` on, for servers that were never listed; one that was waited for in vain is not waited for again",
    without: 'as long as the client is known to wait, else 20 s',
    example: '15s',
  }),
  list: key(choice(MODES), {
    doc: '`all`: every tool as it is; `slim`: every tool with a shortened definition; `search`: a few tools that find and call the others; `auto`: `all` while the definitions fit `budget` or the client keeps them back itself, else `search`',
    byDefault: 'all',
    example: 'auto',
  }),
  budget: key(count(1), {
    doc: 'tokens of definitions that `auto` lists in full',
    byDefault: 10_000,
    example: 20_000,
  }),
  pins: key(listOf(nonEmptyText()), {
    doc: 'tools that are listed in full in every mode, by the names that clients see; `*` stands for any text',
    byDefault: [],
    example: ['github__create_issue'],
  }),
  confirm: key(tableOf(choice(['ask'])), {
    doc: 'tools whose every call the person is asked about first; without a client that can ask they are refused',
    byDefault: new Map(),
    example: { 'github__merge_*': 'ask' },
  }),
  never: key(listOf(nonEmptyText()), {
    doc: 'tools that nobody may call, and that no list shows',
    byDefault: [],
    example: ['github__delete_*'],
  }),
  clients: key(tableOf(choice(MODES)), {
    doc: 'the mode of a client by the name that it gives itself, for clients of the revisions until 2025-11-25; the first pattern that fits counts',
    byDefault: new Map(),
    example: { 'cursor*': 'search' },
  }),
  tokens: key(tableOf(choice(MODES)), {
    doc: 'the mode of a client by the name of its token in `http.tokens`',
    byDefault: new Map(),
    example: { alice: 'slim' },
  }),
};

const resultKeys = {
  maxTokens: key(count(0), {
    doc: 'tokens of text in one result, where tools are shortened or searched; 0: results are never shortened',
    byDefault: 8000,
    example: 4000,
  }),
  clients: key(tableOf(count(0)), {
    doc: 'the same for a client by the name that it gives itself, in every mode; the first pattern that fits counts',
    byDefault: new Map(),
    example: { 'codex*': 2500 },
  }),
  memoryBytes: key(size(0), {
    doc: 'what is kept in memory; more lies in private files of the state folder',
    byDefault: 33_554_432,
    example: '64MB',
  }),
  totalBytes: key(size(0), {
    doc: 'what is kept at all; the oldest go first',
    byDefault: 268_435_456,
    example: '1GB',
  }),
  ttlMs: key(duration(), { doc: 'how long a result is kept', byDefault: 3_600_000, example: '30m' }),
};

const token = field(
  'a token: text of at least one character, none of them a space or a control character',
  (value) => (typeof value === 'string' && /^[\x21-\x7e]+$/.test(value) ? value : undefined),
);

const httpKeys = {
  tokens: key(tableOf(token), {
    doc: 'client → its bearer token; needed beyond loopback',
    byDefault: new Map(),
    example: { alice: '${ALICE_TOKEN}' },
  }),
  allowedOrigins: key(listOf(nonEmptyText()), {
    doc: 'pages that may call, beside those of this machine',
    byDefault: [],
    example: ['https://tools.example'],
  }),
  allowedHosts: key(listOf(nonEmptyText()), {
    doc: 'names under which the proxy may be called, beside `localhost` and its address',
    byDefault: [],
    example: ['mcp.example'],
  }),
  server: key(choice(['own', 'node']), {
    doc: 'what reads and writes HTTP: `own`, our own strict and faster code, or `node`, the HTTP of Node; read at the start',
    byDefault: 'own',
    example: 'node',
  }),
};

const http = section(httpKeys, {
  former: new Map([['maxBodyBytes', { now: ['limits', 'requestBytes'] }]]),
});

const workflowKeys = {
  files: key(listOf(nonEmptyText()), {
    doc: 'YAML or JSON files, from the config’s folder; `*` stands for any text',
    byDefault: [],
    example: ['./workflows/*.yaml'],
  }),
  inline: key(choice(['ask', 'allow', 'read-only', 'off']), {
    doc: 'may a call bring a definition of its own: `ask` the user first, `allow`, `read-only`, `off`',
    byDefault: 'ask',
    example: 'off',
  }),
  limits: key(workflowLimits, {
    doc: 'what a definition and a run may take; an error before the first call, or before the step that would take more',
    byDefault: {},
  }),
};

export const checkCallKeys = {
  tool: requiredKey(nonEmptyText(), { doc: 'a name as clients see it', example: 'memory__read_graph' }),
  arguments: key(anyTable(), { doc: 'its arguments', byDefault: {}, example: { path: '/tmp' } }),
};

const checkKeys = {
  calls: key(listOf(section(checkCallKeys)), {
    doc: 'calls that it makes, and that have to work; they should change nothing',
    byDefault: [],
  }),
};

const logKeys = {
  level: key(choice(['silent', 'error', 'warn', 'info', 'debug', 'trace']), {
    doc: 'the least that is told',
    byDefault: 'info',
    example: 'debug',
  }),
};

export const topKeys = {
  $schema: key(text(), {
    doc: 'the JSON Schema of this file, for editors',
    example: './node_modules/mcp-switchyard/switchyard.schema.json',
  }),
  mcpServers: key(servers, { doc: 'the servers, by name, as in every client' }),
  defaults: key(defaultsSection, {
    doc: 'what holds for every server that does not say otherwise',
    example: { timeoutMs: '30s' },
  }),
  expose: key(section(exposeKeys), { doc: 'how names and lists look to clients', byDefault: {} }),
  results: key(section(resultKeys), {
    doc: 'long results: kept whole, shown in part, read on with `read_result`',
    byDefault: {},
  }),
  http: key(http, { doc: 'serving over HTTP', byDefault: {} }),
  pools: key(tableOf(section(poolKeys)), {
    doc: 'equal servers behind one name',
    byDefault: new Map(),
    example: { github: { members: ['github-a', 'github-b'] } },
  }),
  tools: key(tableOf(section(composedToolKeys)), {
    doc: 'one tool over several different ones',
    byDefault: new Map(),
  }),
  retryBudget: key(section(retryBudgetKeys), {
    doc: 'bounds second attempts of all servers together',
    byDefault: {},
  }),
  limits: key(proxyLimits, { doc: 'what all servers and clients together may take', byDefault: {} }),
  workflows: key(section(workflowKeys), { doc: 'saved workflows', byDefault: {} }),
  imports: key(listOf(choice(CLIENT_IDS)), {
    doc: 'also serve what these clients have configured',
    byDefault: [],
    example: ['cursor'],
  }),
  check: key(section(checkKeys), { doc: 'for `switchyard check`', byDefault: {} }),
  stateDir: key(nonEmptyText(), {
    doc: 'where the proxy keeps what it remembers: lists of servers, workflow runs, logins',
    without: "the user's state folder",
    example: '${userHome}/.switchyard',
  }),
  tokenStorage: key(choice(['auto', 'file']), {
    doc: 'where the tokens of logins are kept: in the system’s keyring where there is one, or in files',
    byDefault: 'auto',
    example: 'file',
  }),
  // The default is long enough for a client that is started anew.
  idleExitMs: key(duration(0), {
    doc: 'how long the proxy that clients share (`--attach`) stays when the last of them has left',
    byDefault: 60_000,
    example: '10m',
  }),
  log: key(section(logKeys), { doc: 'the log on stderr', byDefault: {} }),
};

export const topSection = section(topKeys);
