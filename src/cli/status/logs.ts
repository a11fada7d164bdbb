/** `switchyard logs`: the end of a running proxy's log, and what its servers say on stderr. */
import { linesOf } from '../../control/control-client.ts';
import { listed, nearest } from '../../core/nearest.ts';
import { configFiles as filesOf, readConfig } from '../support/configured.ts';
import { type Command, type Input, UsageError } from '../command.ts';
import { readable } from './log-lines.ts';
import { NOBODY_RUNS, proxiesOf } from './running-proxies.ts';

export const logs: Command = {
  name: 'logs',
  takes: '[SERVER]',
  summary: 'prints the log of the running proxy, with what its servers say on stderr',
  about: 'Shows the last 512 KiB that the proxy keeps in memory. With several proxies, each in turn.',
  options: {
    follow: { type: 'boolean', short: 'f', about: 'go on as lines come, until Ctrl-C' },
  },
  examples: ['switchyard logs', 'switchyard logs memory --follow'],
  positionals: true,
  run,
};

async function run({ options, positionals, configFiles, machine, output }: Input): Promise<number> {
  const [server] = positionals;
  if (server !== undefined) await expectServer(server, configFiles, machine);
  const follow = options.flag('follow');
  const proxies = await proxiesOf(configFiles, machine);
  if (proxies.length === 0) {
    output.note(NOBODY_RUNS);
    return 1;
  }
  const ending = new AbortController();
  process.once('SIGINT', () => ending.abort());
  const lines: unknown[] = [];
  await Promise.all(
    proxies.map(async ({ socket }) => {
      for await (const line of linesOf(socket, { ask: 'logs', server, follow }, ending.signal)) {
        if (output.json) lines.push(JSON.parse(line));
        else output.line(readable(line, output.colors));
      }
    }),
  );
  if (output.json) output.document(lines);
  return 0;
}

/** A name that no server has would just print nothing. */
async function expectServer(
  name: string,
  given: Input['configFiles'],
  machine: Input['machine'],
): Promise<void> {
  const { servers } = await readConfig(filesOf(given, machine), machine);
  if (servers.has(name)) return;
  const near = nearest(name, servers.keys());
  throw new UsageError(
    `There is no server "${name}"${near === undefined ? `; there are: ${listed([...servers.keys()])}.` : `. Did you mean ${near}?`}`,
  );
}
