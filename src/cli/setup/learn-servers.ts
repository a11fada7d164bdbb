/**
 * Connects servers once and remembers what they offer, so that a client's first start is a warm one: their packages
 * are fetched, their lists are in the snapshot.
 *
 * A server that does not start is told of and fails nothing: it may need what only its client has.
 */
import type { Config } from '../../config/config.ts';
import type { HostEnvironment } from '../../config/folders.ts';
import { messageOf } from '../../core/errors.ts';
import { readConfig } from '../support/configured.ts';
import { oneLine, plain } from '../terminal/sanitize.ts';
import { openOwnProxy } from '../support/own-proxy.ts';
import type { Output } from '../terminal/output.ts';
import { unlearnedServers } from '../support/remembered-catalog.ts';
import { selectServers } from '../support/server-selection.ts';
import { showWaiting } from '../terminal/waiting-progress.ts';

export interface LearnOptions {
  /** Our config, as it is now. */
  readonly file: string;
  /** Config keys; default: all of which nothing is remembered. */
  readonly servers?: readonly string[];
  readonly machine: HostEnvironment;
  readonly output: Output;
}

export interface Learned {
  readonly server: string;
  readonly tools: number;
  /** Why it told nothing. */
  readonly trouble?: string;
}

/** The option of the commands that do this. */
export const NO_CHECK = {
  type: 'boolean',
  about: 'do not connect the servers once to remember what they offer',
} as const;

export async function learnServers({
  file,
  servers,
  machine,
  output,
}: LearnOptions): Promise<readonly Learned[]> {
  try {
    const config = await readConfig([file], machine);
    const keys = servers ?? unlearnedServers(config);
    const wanted = keys.filter((key) => config.servers.get(key)?.disabled === false);
    if (wanted.length === 0) return [];
    const learned = await connected(
      onlyOnce(selectServers(config, { servers: wanted, tags: [] })),
      machine,
      output,
    );
    for (const one of learned) output.line(`  ${plain(one.server)}: ${outcome(one)}`);
    return learned;
  } catch (error) {
    output.note(`The servers were not connected: ${oneLine(messageOf(error))}`);
    return [];
  }
}

function outcome({ tools, trouble }: Learned): string {
  if (trouble !== undefined) return `does not start yet: ${trouble}`;
  return `${tools} ${tools === 1 ? 'tool' : 'tools'}`;
}

async function connected(
  config: Config,
  machine: HostEnvironment,
  output: Output,
): Promise<readonly Learned[]> {
  const own = await openOwnProxy({ config, machine, endsOnSignal: true });
  const report = (): ReturnType<typeof own.proxy.report> => own.proxy.report(own.client.view);
  try {
    const work = Promise.all([own.proxy.connected(), own.proxy.listed()]);
    await showWaiting({ output, config, report, otherwise: () => 'connecting the servers' }, work);
    return report().map(({ server, tools, lastFailure }) => ({
      server,
      tools,
      ...(lastFailure && { trouble: oneLine(lastFailure.what) }),
    }));
  } finally {
    await own.close();
  }
}

/** A start that fails is told, and not tried until it works; what waits for its first call is connected all the same. */
function onlyOnce(config: Config): Config {
  const servers = [...config.servers].map(
    ([key, server]) =>
      [key, { ...server, start: 'eager', restart: { ...server.restart, enabled: false } }] as const,
  );
  return { ...config, expose: { ...config.expose, metaTools: false }, servers: new Map(servers) };
}
