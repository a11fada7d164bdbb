/** Findings about the servers, each of which is connected once, and about the catalog that clients get. */
import type { Config, ServerConfig } from '../../config/config.ts';
import type { HostEnvironment } from '../../config/folders.ts';
import { redactor } from '../../core/redaction/redact.ts';
import type { ServerReport } from '../../meta-tools/proxy-status.ts';
import { namesText } from '../check/tool-sizes.ts';
import { configSecrets } from '../support/configured.ts';
import { brokenRunnerFinding } from './package-runners.ts';
import type { Finding } from './finding.ts';
import { oneLine } from '../terminal/sanitize.ts';
import { openOwnProxy } from '../support/own-proxy.ts';
import { rememberedCatalog } from '../support/remembered-catalog.ts';

const FEWEST_TOOLS = 128;
const LONGEST_NAME = 46;
/** A remote server must answer `initialize` within this time. */
const PATIENCE_MS = 10_000;
/** A local server gets longer: its package may have to be fetched first. */
const LOCAL_PATIENCE_MS = 60_000;
const AT_ONCE = 6;

export interface ServerFindingsOptions {
  readonly config: Config;
  readonly machine: HostEnvironment;
  /** Servers whose program is missing, which is a finding already. */
  readonly without: ReadonlySet<string>;
  /** Local servers are started, too. */
  readonly local: boolean;
  /** Called with the state of the servers that are being tried. */
  readonly trying: (report: () => readonly ServerReport[]) => void;
}

/** Connects every server once, some at a time. */
export async function serverFindings(options: ServerFindingsOptions): Promise<Finding[]> {
  const { config, without, local } = options;
  const wanted = [...config.servers].filter(
    ([key, { transport, disabled }]) =>
      !disabled && !without.has(key) && (local || transport.kind !== 'stdio'),
  );
  const found: Finding[] = [];
  for (let i = 0; i < wanted.length; i += AT_ONCE)
    found.push(...(await findingsOf(wanted.slice(i, i + AT_ONCE), options)));
  return found;
}

async function findingsOf(
  some: readonly (readonly [string, ServerConfig])[],
  options: ServerFindingsOptions,
): Promise<Finding[]> {
  const { config, machine, trying } = options;
  const servers = new Map(
    some.map(([key, server]) => [
      key,
      {
        ...server,
        start: 'eager',
        restart: { ...server.restart, enabled: false },
        connectTimeoutMs: Math.min(
          server.transport.kind === 'stdio' ? LOCAL_PATIENCE_MS : PATIENCE_MS,
          server.connectTimeoutMs,
        ),
      } as const,
    ]),
  );
  const clean = redactor(configSecrets(config));
  const alone: Config = {
    ...config,
    servers,
    pools: new Map(),
    tools: [],
    workflows: { ...config.workflows, files: [] },
  };
  const own = await openOwnProxy({ config: alone, machine, endsOnSignal: true });
  trying(() => own.proxy.report(own.client.view));
  try {
    await own.proxy.connected();
    await own.proxy.listed();
    return own.proxy
      .report(own.client.view)
      .flatMap(({ server, lastFailure }) =>
        lastFailure ? [findingOf(server, clean(lastFailure.what), options)] : [],
      );
  } finally {
    await own.close();
  }
}

function findingOf(key: string, why: string, options: ServerFindingsOptions): Finding {
  const server = oneLine(key, 80);
  const { config, machine } = options;
  const told = config.servers.get(key);
  const again = (): Promise<Finding[]> => (told ? findingsOf([[key, told]], options) : Promise.resolve([]));
  const broken = told && brokenRunnerFinding(told, why, { config, machine, again });
  if (broken) return broken;
  const login = why.includes('switchyard login');
  const local = told?.transport.kind === 'stdio';
  return {
    severity: 'error',
    what: `${server}: ${login ? 'needs a login' : local ? 'does not start' : 'cannot be reached'}`,
    cause: oneLine(why),
    remedy: login
      ? `switchyard login ${server}`
      : local
        ? 'run its command by hand, with the same variables, and see to what it says'
        : 'check its url, the network, and HTTPS_PROXY and NO_PROXY',
  };
}

/** Findings about the catalog, as the snapshot of earlier runs has it. */
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
