/** `switchyard serve`: MCP over stdio, over HTTP, or both, until told to stop. */
import type { Config } from '../../config/config.ts';
import { configId } from '../../config/config-id.ts';
import { fileStamp } from '../../config/reload/watch.ts';
import { LIST_MODES, listModeNamed, type ListMode } from '../../core/list-mode.ts';
import { messageOf } from '../../core/errors.ts';
import { createLog } from '../../telemetry/log.ts';
import { RecentLog } from '../../telemetry/recent-log.ts';
import type { Command, Input, Options } from '../command.ts';
import { configFiles, configReader, configSecrets } from '../support/configured.ts';
import { type HttpAddress, httpAddress } from '../support/http-address.ts';
import { runProxy } from './run-proxy.ts';
import { selectServers } from '../support/server-selection.ts';
import { shareId } from './attach-protocol.ts';
import { UsageError } from '../command.ts';
import { withoutSelfReferences } from './self-reference.ts';

export const serve: Command = {
  name: 'serve',
  takes: '',
  summary: 'serves all servers of a config as one, over stdio or over Streamable HTTP',
  options: {
    http: {
      type: 'string',
      value: '[HOST:]PORT',
      about: 'serve Streamable HTTP at /mcp instead of stdio (host 127.0.0.1; port 0 picks one)',
    },
    stdio: { type: 'boolean', about: 'with --http: serve stdio as well' },
    attach: {
      type: 'boolean',
      about:
        'serve stdio through the one proxy that all clients of this config share; starts it where none runs',
    },
    shared: {
      type: 'boolean',
      about: 'be that proxy: serve those that attach, until the last has left (--attach starts it)',
    },
    list: {
      type: 'string',
      value: LIST_MODES.join('|'),
      about: 'how this client gets tools: as they are, shortened, or behind a search',
    },
    servers: {
      type: 'string',
      multiple: true,
      value: 'A,B',
      about: 'serve only these servers of the config',
    },
    tags: {
      type: 'string',
      multiple: true,
      value: 'T,-U',
      about: 'serve only servers with tag T, and none with tag U',
    },
  },
  examples: [
    'switchyard --config switchyard.json',
    'switchyard serve --attach --config switchyard.json',
    'switchyard serve --http 8080 --config ~/.cursor/mcp.json',
  ],
  positionals: false,
  run: serveInput,
};

/** The configs being served by the processes above us. */
const CHAIN_VARIABLE = 'SWITCHYARD_SERVING';

async function serveInput({ options, configFiles: given, machine }: Input): Promise<number> {
  const how = howServed(options);
  const part = { servers: options.list('servers'), tags: options.list('tags') };
  const files = configFiles(given, machine);
  const chain = refuseOwnChild(files, machine.env);
  const marks = new Map<string, string>();
  const read = configReader(files, machine);
  const load = async (onRead: (file: string) => void): Promise<Config> =>
    selectServers(withoutSelfReferences(await read(onRead), how.http), part);
  const config = await load((file) => marks.set(file, fileStamp(file)));
  const recent = new RecentLog();
  const log = createLog({ level: config.log.level, secrets: configSecrets(config), recent });
  if (how.http) await checkGuard(how.http.host, config);
  for (const warning of config.warnings) log.warn({}, warning);
  if (config.servers.size === 0)
    log.warn({}, `No server is configured: there is none under mcpServers in ${files.join(', ')}.`);
  if (how.attach) {
    const { attach } = await import('./attach.ts');
    const code = await attach({ files, part, list: how.list, stateDir: config.stateDir, machine, log });
    if (code !== undefined) return code;
  }
  const share = how.shared ? shareId(files, part) : undefined;
  const childEnv = { [CHAIN_VARIABLE]: chain };
  return runProxy({ ...how, share }, { config, files, load, marks }, { machine, childEnv, log, recent });
}

interface HowServed {
  readonly http: HttpAddress | undefined;
  readonly stdio: boolean;
  readonly attach: boolean;
  readonly shared: boolean;
  readonly list: ListMode | undefined;
}

function howServed(options: Options): HowServed {
  const at = options.text('http');
  const ways = [
    at === undefined ? '' : '--http',
    ...['attach', 'shared'].map((one) => (options.flag(one) ? `--${one}` : '')),
  ];
  const [one, other] = ways.filter((way) => way !== '');
  if (other !== undefined) throw new UsageError(`${one} and ${other} exclude each other.`);
  const shared = options.flag('shared');
  return {
    http: at === undefined ? undefined : httpAddress(at),
    stdio: options.flag('stdio') || (at === undefined && !shared),
    attach: options.flag('attach'),
    shared,
    list: listFlag(options),
  };
}

function listFlag(options: Options): ListMode | undefined {
  const named = options.text('list');
  const list = listModeNamed(named);
  if (named !== undefined && list === undefined)
    throw new UsageError(`--list is one of ${LIST_MODES.join(', ')}, not "${named}".`);
  if (list !== undefined && options.flag('shared'))
    throw new UsageError('--list belongs to a client: give it beside --attach, not beside --shared.');
  return list;
}

/** Before any server is started. */
async function checkGuard(host: string, { http }: Config): Promise<void> {
  const { buildGuard } = await import('../../transport/http-server/guard.ts');
  try {
    buildGuard({ host, ...http });
  } catch (error) {
    throw new UsageError(messageOf(error));
  }
}

/** A proxy that serves a client's whole file might find itself in it. */
function refuseOwnChild(files: readonly string[], env: Readonly<Record<string, string | undefined>>): string {
  const id = configId(files);
  const above = (env[CHAIN_VARIABLE] ?? '').split(':').filter((one) => one !== '');
  if (above.includes(id))
    throw new UsageError(
      'This proxy was started by a proxy that serves the same config: it would start itself again and again. Remove the entry that starts it.',
    );
  return [...above, id].join(':');
}
