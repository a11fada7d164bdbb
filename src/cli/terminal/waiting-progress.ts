/**
 * Says on stderr what a command is waiting for: which servers are coming up, what each is busy with, and how long.
 *
 * A terminal gets a line that moves; a log or a script a line now and then.
 */
import type { Config } from '../../config/config.ts';
import type { ServerReport } from '../../meta-tools/proxy-status.ts';
import { packageRunner } from '../../transport/child-process/package-runners.ts';
import { oneLine } from './sanitize.ts';
import type { Output } from './output.ts';

export interface WaitingOptions {
  readonly output: Output;
  readonly config: Config;
  /** The state of the servers at this moment. */
  readonly report: () => readonly ServerReport[];
  /** The text for a terminal while no server is coming up. */
  readonly otherwise?: () => string;
}

const FIRST_LINE_MS = 2000;
const NEXT_LINE_MS = 10_000;
const MOST_NAMED = 4;

/** Shows what is waited for until `work` is done. */
export async function showWaiting<T>(options: WaitingOptions, work: Promise<T>): Promise<T> {
  const { output, config, report, otherwise = () => 'working' } = options;
  const text = (): string => comingUp(config, report());
  if (output.moves) return output.progress(() => text() || otherwise(), work);
  let timer = setTimeout(tell, FIRST_LINE_MS);
  try {
    return await work;
  } finally {
    clearTimeout(timer);
  }

  function tell(): void {
    const waits = text();
    if (waits !== '') output.note(`waiting for ${waits}`);
    timer = setTimeout(tell, NEXT_LINE_MS);
  }
}

/** "memory: npx is fetching its package, 12 s; files: starting, 3 s"; empty where no server is coming up. */
function comingUp(config: Config, reports: readonly ServerReport[]): string {
  const waits = reports.flatMap((report) => {
    const doing = doingOf(config, report);
    return doing === undefined ? [] : [`${oneLine(report.server, 80)}: ${doing}`];
  });
  const more = waits.length - MOST_NAMED;
  return waits.slice(0, MOST_NAMED).join('; ') + (more > 0 ? `; and ${more} more` : '');
}

/** @returns what a server that is coming up is busy with; `undefined` for any other server. */
function doingOf(config: Config, report: ServerReport): string | undefined {
  const { startingMs } = report;
  if (typeof startingMs !== 'number') return lists(report) ? 'listing what it offers' : undefined;
  const transport = config.servers.get(report.server)?.transport;
  const runner = transport?.kind === 'stdio' ? packageRunner(transport.command, transport.args) : undefined;
  // What has been listed before has been fetched before.
  const fetching = runner !== undefined && report['fromSnapshot'] !== true;
  const what = fetching
    ? `${runner.name} is fetching ${runner.fetches}`
    : transport?.kind === 'stdio'
      ? 'starting'
      : 'connecting';
  return `${what}, ${Math.round(startingMs / 1000)} s`;
}

/** The server has answered `initialize`, and its first lists are under way. */
function lists(report: ServerReport): boolean {
  return (
    typeof report['protocolVersion'] === 'string' &&
    report['listMs'] === undefined &&
    report['fromSnapshot'] !== true &&
    report.lastFailure === undefined
  );
}
