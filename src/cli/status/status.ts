/** `switchyard status`: how a running proxy and its servers do; with `--watch`, live. */
import { askProxy } from '../../control/control-client.ts';
import type { RunningProxy } from '../../control/run-file.ts';
import { messageOf } from '../../core/errors.ts';
import { isObject, type JsonObject } from '../../json/json.ts';
import type { Command, Input } from '../command.ts';
import { remoteStatus } from './remote-status.ts';
import { NOBODY_RUNS, proxiesOf } from './running-proxies.ts';
import { liveScreen } from '../terminal/live-screen.ts';
import { statusLines } from './status-lines.ts';

export const status: Command = {
  name: 'status',
  takes: '',
  summary: 'shows health, circuits, calls, errors, latency, cache and memory of a running proxy',
  about:
    'Finds the proxies that serve this config by their state folder, also those inside a client. With --url it asks\na proxy that serves HTTP; its token is taken from $SWITCHYARD_TOKEN.',
  options: {
    watch: { type: 'boolean', short: 'w', about: 'show it live, until q or Ctrl-C' },
    url: { type: 'string', value: 'URL', about: 'ask the proxy at this URL (http://HOST:PORT/mcp)' },
  },
  examples: [
    'switchyard status',
    'switchyard status --watch',
    'switchyard status --url http://127.0.0.1:8080/mcp',
  ],
  positionals: false,
  run,
};

async function run({ options, configFiles, machine, output }: Input): Promise<number> {
  const url = options.text('url');
  const ask = async (): Promise<readonly JsonObject[]> =>
    url === undefined
      ? Promise.all((await proxiesOf(configFiles, machine)).map(asked))
      : [await remoteStatus(url, machine.env['SWITCHYARD_TOKEN'])];
  const first = await ask();
  if (first.length === 0) {
    output.note(NOBODY_RUNS);
    if (output.json) output.document([]);
    return 1;
  }
  if (output.json) output.document(first);
  else if (options.flag('watch') && output.interactive)
    await liveScreen({
      output,
      first,
      next: ask,
      lines: (found) => statusLines(found, output.colors, output.width),
    });
  else for (const line of statusLines(first, output.colors, output.width)) output.line(line);
  return 0;
}

/** One that ended meanwhile, or hangs, is told as such beside the others. */
async function asked({ pid, socket, serves }: RunningProxy): Promise<JsonObject> {
  try {
    const answer = await askProxy(socket, { ask: 'status' });
    if (isObject(answer)) return answer;
    throw new Error('its answer is none');
  } catch (error) {
    return { pid, serves, trouble: messageOf(error) };
  }
}
