/** What holds where neither a server's entry nor `defaults` says otherwise. */
import type {
  ExposeConfig,
  HealthConfig,
  HttpConfig,
  LimitsConfig,
  LogConfig,
  ProxyLimitsConfig,
  RestartConfig,
  ResultsConfig,
  WorkflowLimitsConfig,
  WorkflowsConfig,
} from '../config.ts';

export const builtIn = {
  connectTimeoutMs: 60_000,
  stopGraceMs: 3_000,
  timeoutMs: 300_000,
  maxTimeoutMs: 3_600_000,
} as const;

export const builtInLimits: LimitsConfig = {
  messageBytes: 33_554_432,
  depth: 256,
  values: 500_000,
  tools: 5_000,
  pages: 1_000,
  listBytes: 67_108_864,
  contentParts: 10_000,
  stderrBytes: 65_536,
  stderrLinesPerSecond: 50,
  queueBytes: 67_108_864,
  progressPerSecond: 100,
  noticesPerSecond: 200,
  questions: 1_000,
};

export const builtInProxyLimits: ProxyLimitsConfig = {
  waitingBytes: 268_435_456,
  processes: 500,
  parkedCalls: 1_000,
  calls: 10_000,
  clients: 1_000,
  streams: 256,
  subscriptions: 2_000,
  sessions: 2_000,
  connections: 1_024,
  attached: 64,
  depth: 256,
  values: 500_000,
  requestBytes: 33_554_432,
  keptBytes: 4_194_304,
  unreadBytes: 67_108_864,
  cacheBytes: 67_108_864,
  reconnects: 8,
};

export const builtInRestart: RestartConfig = { enabled: true, delayMs: 500, maxDelayMs: 30_000 };

export const builtInHealth: HealthConfig = { intervalMs: 30_000, timeoutMs: 5_000 };

export const builtInExpose: ExposeConfig = {
  namespaces: 'auto',
  maxNameLength: 46,
  metaTools: true,
  origin: false,
  pageSize: 0,
  listWaitMs: undefined,
  list: 'all',
  budget: 10_000,
  pins: [],
  confirm: new Map(),
  never: [],
  clients: new Map(),
  tokens: new Map(),
};

export const builtInResults: ResultsConfig = {
  maxTokens: 8000,
  clients: new Map(),
  memoryBytes: 33_554_432,
  totalBytes: 268_435_456,
  ttlMs: 3_600_000,
};

export const builtInHttp: HttpConfig = {
  tokens: new Map(),
  allowedOrigins: [],
  allowedHosts: [],
};

/** Long enough for a client that is started anew. */
export const builtInIdleExitMs = 60_000;

export const builtInLog: LogConfig = { level: 'info' };

/**
 * The variables that a process inherits: those that the MCP SDK passes on, and the proxies' variables.
 * Everything else, tokens above all, reaches a server only if its entry says so.
 */
export function builtInInheritEnv(platform: string): readonly string[] {
  return [...(platform === 'win32' ? windowsEnv : posixEnv), ...proxyEnv];
}

const posixEnv = ['HOME', 'LOGNAME', 'PATH', 'SHELL', 'TERM', 'USER'];

const windowsEnv = [
  'APPDATA',
  'HOMEDRIVE',
  'HOMEPATH',
  'LOCALAPPDATA',
  'PATH',
  'PROCESSOR_ARCHITECTURE',
  'SYSTEMDRIVE',
  'SYSTEMROOT',
  'TEMP',
  'USERNAME',
  'USERPROFILE',
  'PROGRAMFILES',
];

const proxyEnv = ['HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY', 'http_proxy', 'https_proxy', 'no_proxy'];

/** Definitions in a call are shown to the user first, where the client can be asked. */
export const builtInInline: WorkflowsConfig['inline'] = 'ask';

export const builtInWorkflowLimits: WorkflowLimitsConfig = {
  steps: 1000,
  items: 10_000,
  runs: 100,
  resultBytes: 67_108_864,
  nesting: 8,
  keptRuns: 1000,
};
