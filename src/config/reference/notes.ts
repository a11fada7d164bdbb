/**
 * What is said about each key of a config file. What a key takes is in the schema, what holds without it in
 * `defaults.ts`: neither is written down again. Only the reference page and the JSON Schema read this.
 */
import {
  builtIn,
  builtInExpose,
  builtInHealth,
  builtInHttp,
  builtInIdleExitMs,
  builtInInline,
  builtInWorkflowLimits,
  builtInLimits,
  builtInLog,
  builtInProxyLimits,
  builtInRestart,
  builtInResults,
} from '../schema/defaults.ts';
import {
  builtInCache,
  builtInCircuitBreaker,
  builtInConcurrency,
  builtInRetry,
  builtInRetryBudget,
} from '../resilience-config.ts';

export interface Note {
  /** A sentence without its full stop. */
  readonly does: string;
  /** What holds without the key. */
  readonly byDefault?: unknown;
  /** The same, where it is no value that one could write. */
  readonly inWords?: string;
  readonly example?: unknown;
  /** Of a section, or of the sections in a table or list. */
  readonly keys?: Notes;
}

export type Notes = Readonly<Record<string, Note>>;

const breaker: Notes = {
  failureThreshold: {
    does: 'failures in a row that open the circuit',
    byDefault: builtInCircuitBreaker.failureThreshold,
    example: 10,
  },
  recoveryTimeoutMs: {
    does: 'how long an open circuit lets nothing through',
    byDefault: builtInCircuitBreaker.recoveryTimeoutMs,
    example: '1m',
  },
  halfOpenMaxCalls: {
    does: 'calls at a time that try a server after its rest',
    byDefault: builtInCircuitBreaker.halfOpenMaxCalls,
    example: 1,
  },
  successThreshold: {
    does: 'successes after its rest that close the circuit',
    byDefault: builtInCircuitBreaker.successThreshold,
    example: 1,
  },
};

const limits: Notes = {
  messageBytes: {
    does: 'of one message of the server, uncompressed; a larger one fails its call',
    byDefault: builtInLimits.messageBytes,
    example: '64MiB',
  },
  depth: { does: 'nesting of one message', byDefault: builtInLimits.depth, example: 64 },
  values: {
    does: 'elements and members in one message',
    byDefault: builtInLimits.values,
    example: 1_000_000,
  },
  listBytes: {
    does: 'of one whole list, all pages together',
    byDefault: builtInLimits.listBytes,
    example: '8MiB',
  },
  tools: { does: 'tools taken from its list', byDefault: builtInLimits.tools, example: 200 },
  pages: { does: 'pages of one list', byDefault: builtInLimits.pages, example: 100 },
  contentParts: { does: 'parts of one result', byDefault: builtInLimits.contentParts, example: 100 },
  stderrBytes: {
    does: 'kept of the end of its stderr',
    byDefault: builtInLimits.stderrBytes,
    example: '256KiB',
  },
  stderrLinesPerSecond: {
    does: 'lines of its stderr that go into the log, per second',
    byDefault: builtInLimits.stderrLinesPerSecond,
    example: 20,
  },
  queueBytes: {
    does: 'requests that may wait to be read by it; more are `BUSY`',
    byDefault: builtInLimits.queueBytes,
    example: '16MiB',
  },
  progressPerSecond: {
    does: 'progress notices of one call, per second',
    byDefault: builtInLimits.progressPerSecond,
    example: 10,
  },
  noticesPerSecond: {
    does: 'log messages to one client or call and updates of resources, per second',
    byDefault: builtInLimits.noticesPerSecond,
    example: 20,
  },
  questions: {
    does: 'questions of the server that wait for an answer',
    byDefault: builtInLimits.questions,
    example: 10,
  },
};

const annotations: Notes = {
  title: { does: 'its title in the annotations', example: 'Find' },
  readOnlyHint: { does: 'it changes nothing', example: true },
  destructiveHint: { does: 'it may destroy something', example: false },
  idempotentHint: { does: 'doing it twice does no more than once', example: true },
  openWorldHint: { does: 'it deals with the world outside', example: false },
};

const tools: Notes = {
  include: {
    does: 'names of its tools to offer; `*` stands for any text',
    byDefault: ['*'],
    example: ['get_*', 'search'],
  },
  exclude: {
    does: 'names of its tools to leave out, stronger than `include`',
    byDefault: [],
    example: ['delete_*'],
  },
  rename: {
    does: 'its own name of a tool → the name to offer it under, before the namespace',
    example: { search_repositories: 'find_repos' },
  },
  override: {
    does: 'its own name of a tool → what to say or do differently',
    example: { create_issue: { timeoutMs: '20s' } },
    keys: {
      title: { does: 'title for clients', inWords: "the server's", example: 'New issue' },
      description: {
        does: 'description for clients',
        inWords: "the server's",
        example: 'Opens an issue in our tracker.',
      },
      annotations: { does: 'hints for clients, laid over the server’s', keys: annotations },
      timeoutMs: { does: 'idle time of one attempt', inWords: "the server's", example: '20s' },
      maxTimeoutMs: { does: 'deadline of the whole call', inWords: "the server's", example: '2m' },
      circuitBreaker: {
        does: "a circuit of the tool's own, laid over the server's settings",
        inWords: "the server's circuit",
        keys: { ...breaker },
      },
      idempotencyKey: {
        does: "the tool's own argument that takes a key which is the same for every attempt of one call; the call carries it in `_meta` too, as `switchyard/idempotencyKey`",
        example: 'request_id',
      },
    },
  },
  safeToRepeat: {
    does: 'tools that may be done twice, by the word of the operator, stronger than annotations; `*` stands for any text. A call that may be repeated carries `switchyard/idempotencyKey` in its `_meta`, the same for every attempt',
    byDefault: [],
    example: ['get_*'],
  },
};

const auth: Notes = {
  clientId: {
    does: 'a client registered beforehand',
    inWords: 'the client registers itself',
    example: 'my-client',
  },
  clientSecret: { does: 'its secret', example: '${DOCS_CLIENT_SECRET}' },
  clientMetadataUrl: {
    does: 'where this client describes itself (client id metadata document)',
    example: 'https://example.com/client.json',
  },
  scopes: { does: 'asked for instead of what the server names', example: ['read'] },
  redirectUri: {
    does: "the client's registered address on this machine",
    inWords: 'a free port',
    example: 'http://127.0.0.1:8765/callback',
  },
  issuer: {
    does: 'the only authorization server that may be used',
    inWords: 'the one the server names',
    example: 'https://login.example',
  },
  grant: {
    does: '`authorization-code`: a person logs in; `client-credentials`: the client by itself, with `clientSecret` or `privateKey`',
    byDefault: 'authorization-code',
    example: 'client-credentials',
  },
  privateKey: { does: 'PEM with which the client proves who it is', example: '${file:/secrets/client.pem}' },
  algorithm: { does: 'how `privateKey` signs', inWords: 'fits the key', example: 'ES256' },
  allowPrivateAddresses: {
    does: 'the login may lead to addresses that are not public; else only a server on this machine may name others on it',
    byDefault: false,
    example: true,
  },
};

const server: Notes = {
  type: {
    does: 'the transport',
    inWords:
      'found out: a `command` is stdio, a `url` Streamable HTTP with SSE to fall back on, `ws://` WebSocket, `host` and `port` TCP',
    example: 'http',
  },
  command: { does: 'the program of a local server; no shell is used', example: 'npx' },
  args: { does: 'its arguments', byDefault: [], example: ['-y', '@modelcontextprotocol/server-memory'] },
  url: { does: 'the address of a remote server', example: 'https://docs.example/mcp' },
  auth: { does: 'how to log in at a remote server, where that cannot be found out', keys: auth },
  host: { does: 'the host of a server that speaks JSON-RPC in lines over TCP', example: '127.0.0.1' },
  port: { does: 'its port', example: 9002 },
  namespace: { does: 'the prefix of its names', inWords: 'its name in the file', example: 'gh' },
  env: {
    does: 'variables of a local server, beside those of `inheritEnv`',
    example: { MEMORY_FILE_PATH: '${userHome}/memory.json' },
  },
  cwd: { does: 'folder of a local server, from the file’s own', inWords: "the proxy's", example: './data' },
  envFile: { does: 'more variables, as `NAME=value` lines', example: '.env' },
  headers: {
    does: 'headers of every request to a remote server',
    example: { Authorization: 'Bearer ${DOCS_TOKEN}' },
  },
  disabled: { does: 'it keeps its place and its names, and is not served', byDefault: false, example: true },
  tags: { does: 'for `serve --tags`', byDefault: [], example: ['dev'] },
  protocol: {
    does: 'the revision of MCP to speak with it; `auto` asks the server',
    byDefault: 'auto',
    example: '2025-11-25',
  },
  inheritEnv: {
    does: 'variables of the proxy that a local server gets',
    inWords: 'the few that the MCP SDK passes (`PATH`, `HOME` …), and those of HTTP proxies',
    example: ['PATH', 'HOME', 'LANG'],
  },
  connections: {
    does: '`shared`: one connection for all clients, without roots; `per-client`: one for each; `auto`: one for all clients of the same capabilities, and one for each from when the server asks for roots, or asks what only one of several can answer',
    byDefault: 'auto',
    example: 'per-client',
  },
  connectTimeoutMs: {
    does: 'from its start to the answered handshake',
    byDefault: builtIn.connectTimeoutMs,
    example: '2m',
  },
  stopGraceMs: {
    does: 'between asking it to end and killing it',
    byDefault: builtIn.stopGraceMs,
    example: '10s',
  },
  timeoutMs: {
    does: 'idle time of one attempt of a call; progress resets it',
    byDefault: builtIn.timeoutMs,
    example: '30s',
  },
  maxTimeoutMs: {
    does: 'deadline of the whole call, attempts and pauses included',
    byDefault: builtIn.maxTimeoutMs,
    example: '10m',
  },
  limits: { does: 'what the server may take of the proxy', keys: limits },
  restart: {
    does: 'starting it again after it has ended',
    keys: {
      enabled: { does: 'whether it is', byDefault: builtInRestart.enabled, example: false },
      delayMs: {
        does: 'before the first time; doubles up to `maxDelayMs`',
        byDefault: builtInRestart.delayMs,
        example: '2s',
      },
      maxDelayMs: { does: 'the longest pause', byDefault: builtInRestart.maxDelayMs, example: '5m' },
    },
  },
  start: {
    does: '`eager`: with the proxy; `lazy`: at its first call, its lists come from what is remembered',
    byDefault: 'eager',
    example: 'lazy',
  },
  idleStopMs: {
    does: 'a lazy server is stopped after so long without a call; 0: never',
    byDefault: 0,
    example: '10m',
  },
  outage: {
    does: 'while it is down its tools stay listed (`keep`) or not (`hide`)',
    byDefault: 'keep',
    example: 'hide',
  },
  health: {
    does: 'probes of a server that says nothing by itself',
    keys: {
      intervalMs: {
        does: 'between two of them, about; 0: none',
        byDefault: builtInHealth.intervalMs,
        example: '5m',
      },
      timeoutMs: { does: 'until one has failed', byDefault: builtInHealth.timeoutMs, example: '2s' },
    },
  },
  replicas: { does: 'more than one makes a pool of so many equal ones', byDefault: 1, example: 3 },
  trustAnnotations: {
    does: 'whether its read-only and idempotent hints may allow repeating and caching',
    byDefault: false,
    example: true,
  },
  maxConcurrency: {
    does: 'calls at a time',
    byDefault: builtInConcurrency.maxConcurrency,
    example: 4,
  },
  maxQueue: {
    does: 'calls that may wait for their turn; more are `BUSY`',
    byDefault: builtInConcurrency.maxQueue,
    example: 0,
  },
  retry: {
    does: 'asking again, where that is safe',
    keys: {
      attempts: { does: 'in all, the first included', byDefault: builtInRetry.attempts, example: 1 },
      delayMs: {
        does: 'before the second attempt; grows up to `maxDelayMs`',
        byDefault: builtInRetry.delayMs,
        example: '1s',
      },
      maxDelayMs: { does: 'the longest pause', byDefault: builtInRetry.maxDelayMs, example: '30s' },
    },
  },
  circuitBreaker: { does: 'leaving a failing server alone for a while', keys: breaker },
  cache: {
    does: 'giving an answer again',
    keys: {
      mode: {
        does: '`named`: of the tools in `tools`; `auto`: also of the read-only ones of a server with `trustAnnotations`; `off`: of none',
        byDefault: builtInCache.mode,
        example: 'auto',
      },
      tools: {
        does: 'whose answers are kept; `*` stands for any text',
        byDefault: builtInCache.tools,
        example: ['search_*'],
      },
      ttlMs: { does: 'how long', byDefault: builtInCache.ttlMs, example: '10m' },
      staleIfErrorMs: {
        does: 'how much longer, if the server fails',
        byDefault: builtInCache.staleIfErrorMs,
        example: '1h',
      },
      scope: {
        does: 'for the same client only, or for all of them; `shared` is refused beside `connections: "per-client"`, and where clients turn out to need connections of their own it counts as `client`',
        byDefault: builtInCache.scope,
        example: 'shared',
      },
      invalidatedBy: {
        does: 'tools whose success makes what is kept worthless; `*` stands for any text',
        byDefault: builtInCache.invalidatedBy,
        example: ['create_*'],
      },
    },
  },
  tools: { does: 'which of its tools are offered, and how', keys: tools },
};

const own = ['type', 'command', 'args', 'url', 'auth', 'host', 'port', 'namespace'];

export const notes: Notes = {
  $schema: {
    does: 'the JSON Schema of this file, for editors',
    example: './node_modules/mcp-switchyard/switchyard.schema.json',
  },
  mcpServers: { does: 'the servers, by name, as in every client', keys: server },
  defaults: {
    does: 'what holds for every server that does not say otherwise',
    keys: Object.fromEntries(Object.entries(server).filter(([key]) => !own.includes(key))),
    example: { timeoutMs: '30s' },
  },
  expose: {
    does: 'how names and lists look to clients',
    keys: {
      namespaces: {
        does: '`auto`: names carry a prefix unless exactly one server is configured; `always`, `none`',
        byDefault: builtInExpose.namespaces,
        example: 'always',
      },
      maxNameLength: {
        does: 'longer names are cut and end in a hash',
        byDefault: builtInExpose.maxNameLength,
        example: 60,
      },
      metaTools: {
        does: "whether the proxy's own tools are listed",
        byDefault: builtInExpose.metaTools,
        example: false,
      },
      origin: {
        does: "whether a tool's `_meta` names its server and its own name there",
        byDefault: builtInExpose.origin,
        example: true,
      },
      pageSize: {
        does: 'items of one page of a list; 0: all in one',
        byDefault: builtInExpose.pageSize,
        example: 100,
      },
      listWaitMs: {
        does: "how long a client's first list waits, from its greeting on, for servers that were never listed; one that was waited for in vain is not waited for again",
        inWords: 'as long as the client is known to wait, else 20 s',
        example: '15s',
      },
      list: {
        does: '`all`: every tool as it is; `slim`: every tool with a shortened definition; `search`: a few tools that find and call the others; `auto`: `all` while the definitions fit `budget` or the client keeps them back itself, else `search`',
        byDefault: builtInExpose.list,
        example: 'auto',
      },
      budget: {
        does: 'tokens of definitions that `auto` lists in full',
        byDefault: builtInExpose.budget,
        example: 20_000,
      },
      pins: {
        does: 'tools that are listed in full in every mode, by the names that clients see; `*` stands for any text',
        byDefault: builtInExpose.pins,
        example: ['github__create_issue'],
      },
      confirm: {
        does: 'tools whose every call the person is asked about first; without a client that can ask they are refused',
        byDefault: {},
        example: { 'github__merge_*': 'ask' },
      },
      never: {
        does: 'tools that nobody may call, and that no list shows',
        byDefault: builtInExpose.never,
        example: ['github__delete_*'],
      },
      clients: {
        does: 'the mode of a client by the name that it gives itself, for clients of the revisions until 2025-11-25; the first pattern that fits counts',
        byDefault: {},
        example: { 'cursor*': 'search' },
      },
      tokens: {
        does: 'the mode of a client by the name of its token in `http.tokens`',
        byDefault: {},
        example: { alice: 'slim' },
      },
    },
  },
  results: {
    does: 'long results: kept whole, shown in part, read on with `read_result`',
    keys: {
      maxTokens: {
        does: 'tokens of text in one result, where tools are shortened or searched; 0: results are never shortened',
        byDefault: builtInResults.maxTokens,
        example: 4000,
      },
      clients: {
        does: 'the same for a client by the name that it gives itself, in every mode; the first pattern that fits counts',
        byDefault: {},
        example: { 'codex*': 2500 },
      },
      memoryBytes: {
        does: 'what is kept in memory; more lies in private files of the state folder',
        byDefault: builtInResults.memoryBytes,
        example: '64MB',
      },
      totalBytes: {
        does: 'what is kept at all; the oldest go first',
        byDefault: builtInResults.totalBytes,
        example: '1GB',
      },
      ttlMs: {
        does: 'how long a result is kept',
        byDefault: builtInResults.ttlMs,
        example: '30m',
      },
    },
  },
  http: {
    does: 'serving over HTTP',
    keys: {
      tokens: {
        does: 'client → its bearer token; needed beyond loopback',
        example: { alice: '${ALICE_TOKEN}' },
      },
      allowedOrigins: {
        does: 'pages that may call, beside those of this machine',
        byDefault: builtInHttp.allowedOrigins,
        example: ['https://tools.example'],
      },
      allowedHosts: {
        does: 'names under which the proxy may be called, beside `localhost` and its address',
        byDefault: builtInHttp.allowedHosts,
        example: ['mcp.example'],
      },
      maxBodyBytes: {
        does: 'the former name of `limits.requestBytes`, read with a warning where that is not set',
        byDefault: 'as `limits.requestBytes`',
        example: '4MiB',
      },
    },
  },
  pools: {
    does: 'equal servers behind one name',
    example: { github: { members: ['github-a', 'github-b'] } },
    keys: {
      members: { does: 'names of servers, in order of priority', example: ['github-a', 'github-b'] },
      strategy: {
        does: '`failover`: the first that can be reached; `round-robin`: in turn; `least-busy`: the one with the fewest calls',
        byDefault: 'failover',
        example: 'least-busy',
      },
      exposeMembers: { does: 'whether the members are listed too', byDefault: false, example: true },
    },
  },
  tools: {
    does: 'one tool over several different ones',
    keys: {
      description: { does: 'for clients', example: 'Searches the web' },
      inputSchema: {
        does: 'the JSON Schema of its arguments',
        byDefault: { type: 'object', additionalProperties: true },
        example: { type: 'object', properties: { q: { type: 'string' } } },
      },
      strategy: {
        does: '`first`: the first good answer, in order; `merge`: all of them together',
        byDefault: 'first',
        example: 'merge',
      },
      deadlineMs: { does: 'for all targets together', byDefault: 10_000, example: '30s' },
      targets: {
        does: 'the tools that are asked',
        keys: {
          tool: { does: 'a name as clients see it', example: 'brave__search' },
          arguments: {
            does: "its arguments, with expressions over the caller's",
            byDefault: {},
            example: { query: '${{ input.q }}' },
          },
        },
      },
    },
  },
  retryBudget: {
    does: 'bounds second attempts of all servers together',
    keys: {
      ratio: { does: 'of the calls under way', byDefault: builtInRetryBudget.ratio, example: 0.1 },
      min: { does: 'allowed in any case', byDefault: builtInRetryBudget.min, example: 10 },
    },
  },
  limits: {
    does: 'what all servers and clients together may take',
    keys: {
      waitingBytes: {
        does: 'of all requests under way',
        byDefault: builtInProxyLimits.waitingBytes,
        example: '64MiB',
      },
      processes: {
        does: 'child processes at a time, those of single clients and of clients with other capabilities included; what would be one more is not started, and its calls fail with a sentence that says so, until others have ended',
        byDefault: builtInProxyLimits.processes,
        example: 50,
      },
      parkedCalls: {
        does: 'calls of one modern client that wait for its answer to a question',
        byDefault: builtInProxyLimits.parkedCalls,
        example: 100,
      },
      calls: {
        does: 'calls of all modern clients that are under way or parked; more are `BUSY`',
        byDefault: builtInProxyLimits.calls,
        example: 2_000,
      },
      clients: {
        does: 'modern clients at a time, each set of capabilities of one counting by itself; idle ones make room, else the next is `BUSY`',
        byDefault: builtInProxyLimits.clients,
        example: 50,
      },
      streams: {
        does: 'subscription streams of one modern client',
        byDefault: builtInProxyLimits.streams,
        example: 16,
      },
      subscriptions: {
        does: 'resources that one client may subscribe to',
        byDefault: builtInProxyLimits.subscriptions,
        example: 200,
      },
      sessions: {
        does: 'sessions of the older protocol over HTTP; idle ones make room, else the next `initialize` gets 503',
        byDefault: builtInProxyLimits.sessions,
        example: 100,
      },
      connections: {
        does: 'connections of clients over HTTP; further ones are closed',
        byDefault: builtInProxyLimits.connections,
        example: 256,
      },
      attached: {
        does: 'clients of one shared proxy (`serve --attach`); the next gets a proxy of its own',
        byDefault: builtInProxyLimits.attached,
        example: 16,
      },
      depth: {
        does: 'nesting of one message of a client; a deeper one is an error',
        byDefault: builtInProxyLimits.depth,
        example: 64,
      },
      values: {
        does: 'elements and members in one message of a client; more are an error',
        byDefault: builtInProxyLimits.values,
        example: 100_000,
      },
      requestBytes: {
        does: 'one message of a client, over HTTP, stdio or attached; a larger one is refused (over HTTP with 413)',
        byDefault: builtInProxyLimits.requestBytes,
        example: '4MiB',
      },
      keptBytes: {
        does: 'messages kept for one session whose stream is not open; what comes beyond is dropped, and the log says how many',
        byDefault: builtInProxyLimits.keptBytes,
        example: '256KiB',
      },
      unreadBytes: {
        does: 'answers that one client may leave unread; beyond, nothing further is taken in from it, and an answer or a notice that finds no room is left out by itself',
        byDefault: builtInProxyLimits.unreadBytes,
        example: '8MiB',
      },
      cacheBytes: {
        does: 'all cached results together',
        byDefault: builtInProxyLimits.cacheBytes,
        example: '16MiB',
      },
      reconnects: {
        does: 'servers that reconnect at a time; the others wait for their turn',
        byDefault: builtInProxyLimits.reconnects,
        example: 2,
      },
    },
  },
  workflows: {
    does: 'saved workflows',
    keys: {
      files: {
        does: 'YAML or JSON files, from the config’s folder; `*` stands for any text',
        byDefault: [],
        example: ['./workflows/*.yaml'],
      },
      inline: {
        does: 'may a call bring a definition of its own: `ask` the user first, `allow`, `read-only`, `off`',
        byDefault: builtInInline,
        example: 'off',
      },
      limits: {
        does: 'what a definition and a run may take; an error before the first call, or before the step that would take more',
        keys: {
          steps: { does: 'of one definition', byDefault: builtInWorkflowLimits.steps, example: 100 },
          items: { does: 'of a list in `foreach`', byDefault: builtInWorkflowLimits.items, example: 500 },
          runs: {
            does: 'at work at a time; those that wait for somebody are not counted',
            byDefault: builtInWorkflowLimits.runs,
            example: 10,
          },
          resultBytes: {
            does: 'of all results of one run',
            byDefault: builtInWorkflowLimits.resultBytes,
            example: '16MiB',
          },
          nesting: {
            does: 'workflows within workflows',
            byDefault: builtInWorkflowLimits.nesting,
            example: 3,
          },
          keptRuns: {
            does: 'ended runs that are kept; the oldest go at a start, and after every hundred',
            byDefault: builtInWorkflowLimits.keptRuns,
            example: 100,
          },
        },
      },
    },
  },
  imports: { does: 'also serve what these clients have configured', byDefault: [], example: ['cursor'] },
  check: {
    does: 'for `switchyard check`',
    keys: {
      calls: {
        does: 'calls that it makes, and that have to work; they should change nothing',
        keys: {
          tool: { does: 'a name as clients see it', example: 'memory__read_graph' },
          arguments: { does: 'its arguments', byDefault: {}, example: { path: '/tmp' } },
        },
      },
    },
  },
  stateDir: {
    does: 'where the proxy keeps what it remembers: lists of servers, workflow runs, logins',
    inWords: "the user's state folder",
    example: '${userHome}/.switchyard',
  },
  tokenStorage: {
    does: 'where the tokens of logins are kept: in the system’s keyring where there is one, or in files',
    byDefault: 'auto',
    example: 'file',
  },
  idleExitMs: {
    does: 'how long the proxy that clients share (`--attach`) stays when the last of them has left',
    byDefault: builtInIdleExitMs,
    example: '10m',
  },
  log: {
    does: 'the log on stderr',
    keys: { level: { does: 'the least that is told', byDefault: builtInLog.level, example: 'debug' } },
  },
};
