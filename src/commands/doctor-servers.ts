/** What is wrong with remote servers, and with what clients get. Starts no process. */
import type { Config } from '../config/config.ts';
import type { Machine } from '../config/folders.ts';
import { redactor } from '../core/redact.ts';
import { namesText } from './check-tools.ts';
import { secretsOf } from './configured.ts';
import type { Finding } from './finding.ts';
import { oneLine } from './foreign-text.ts';
import { openOwnProxy } from './own-proxy.ts';
import { rememberedCatalog } from './remembered-catalog.ts';

const FEWEST_TOOLS = 128;
const LONGEST_NAME = 46;
/** So long a server has to greet. */
const PATIENCE_MS = 10_000;

export async function remoteFindings(config: Config, machine: Machine): Promise<Finding[]> {
  const remote = [...config.servers].filter(
    ([, { transport, disabled }]) => transport.kind !== 'stdio' && !disabled,
  );
  if (remote.length === 0) return [];
  const servers = new Map(
    remote.map(([key, server]) => [
      key,
      {
        ...server,
        start: 'eager',
        restart: { ...server.restart, enabled: false },
        connectTimeoutMs: Math.min(PATIENCE_MS, server.connectTimeoutMs),
      } as const,
    ]),
  );
  const clean = redactor(secretsOf(config));
  const alone: Config = {
    ...config,
    servers,
    pools: new Map(),
    tools: [],
    workflows: { ...config.workflows, files: [] },
  };
  const own = await openOwnProxy({ config: alone, machine });
  try {
    await own.proxy.connected();
    return own.proxy.report('command').flatMap(({ server, lastFailure }): Finding[] => {
      if (!lastFailure) return [];
      const why = oneLine(clean(lastFailure.what));
      const login = why.includes('switchyard login');
      return [
        {
          severity: 'error',
          what: `${oneLine(server, 80)}: ${login ? 'needs a login' : 'cannot be reached'}`,
          cause: why,
          remedy: login
            ? `switchyard login ${oneLine(server, 80)}`
            : 'check its url, the network, and HTTPS_PROXY and NO_PROXY',
        },
      ];
    });
  } finally {
    await own.close();
  }
}

/** By what the servers told in earlier runs. */
export function catalogFindings(config: Config): Finding[] {
  const names = [...(rememberedCatalog(config)?.tools.keys() ?? [])];
  const long = names.filter((name) => name.length > LONGEST_NAME);
  return [
    ...(names.length > FEWEST_TOOLS
      ? [
          {
            severity: 'warning',
            what: `${names.length} tools are served, and some clients (VS Code) take ${FEWEST_TOOLS}`,
            cause: 'such a client leaves the others out',
            remedy: 'serve it a part: add --servers or --tags to its entry, or set tools.include',
          } as const,
        ]
      : []),
    ...(long.length > 0
      ? [
          {
            severity: 'warning',
            what: `${long.length} names are longer than ${LONGEST_NAME} characters: ${namesText(long)}`,
            cause: 'with the prefix that clients put before them they are longer than 64, which some refuse',
            remedy: 'leave expose.maxNameLength at 46, or rename them (tools.rename)',
          } as const,
        ]
      : []),
  ];
}
