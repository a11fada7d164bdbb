/** `switchyard call`: one tool through the whole pipeline, for who sits at the machine. */
import { Cancellation } from '../../core/cancellation.ts';
import { ProxyError, RpcError } from '../../core/errors.ts';
import { at, isObject, type Json, type JsonObject, stringAt } from '../../json/json.ts';
import { nearest } from '../../core/nearest.ts';
import type { ServerReport } from '../../meta-tools/proxy-status.ts';
import { askAtPrompt, PROMPT_CAPABILITIES } from '../terminal/prompt.ts';
import { readArguments } from '../support/call-arguments.ts';
import type { Command, Input } from '../command.ts';
import { plain } from '../terminal/sanitize.ts';
import { configFiles, readConfig } from '../support/configured.ts';
import { serversUnlisted } from '../support/missing-servers.ts';
import { openOwnProxy, type OwnProxy } from '../support/own-proxy.ts';
import type { Output } from '../terminal/output.ts';
import { UsageError } from '../command.ts';
import { showWaiting } from '../terminal/waiting-progress.ts';

export const call: Command = {
  name: 'call',
  takes: 'NAME [KEY=VALUE…]',
  summary: 'calls one tool and prints its result; exits 1 where the tool says that it failed',
  about:
    'Starts the servers of the config, calls, and stops them again. A VALUE is text where the tool wants text, and\nJSON otherwise. What a server asks is asked at the prompt; Ctrl-C cancels the call.',
  options: {
    args: {
      type: 'string',
      value: 'JSON|@FILE|-',
      about: 'the arguments as JSON, from a file or from stdin; KEY=VALUE adds to them',
    },
  },
  examples: [
    'switchyard call memory__read_graph',
    'switchyard call files__read_text_file path=/tmp/notes.txt',
    'switchyard call search__query --args \'{"q": "mcp", "limit": 3}\' --json',
  ],
  positionals: true,
  run,
};

async function run({ positionals, options, configFiles: given, machine, output }: Input): Promise<number> {
  const [name, ...pairs] = positionals;
  if (name === undefined) throw new UsageError('switchyard call expects the NAME of a tool.');
  const config = await readConfig(configFiles(given, machine), machine);
  const canAsk = output.interactive && process.stdin.isTTY === true;
  const own = await openOwnProxy({
    config,
    machine,
    ...(canAsk && { ask: askAtPrompt, capabilities: PROMPT_CAPABILITIES }),
  });
  const signal = new Cancellation();
  let ended = '';
  const cancel = (by: NodeJS.Signals): void => {
    ended = by === 'SIGINT' ? 'the user pressed Ctrl-C' : `the command was ended by ${by}`;
    signal.cancel(ended, 'client-cancelled');
  };
  process.on('SIGINT', cancel).on('SIGTERM', cancel);
  let doing = `calling ${name}`;
  const report = (): readonly ServerReport[] => own.proxy.report(own.client.view);
  const waiting = <T>(work: Promise<T>): Promise<T> =>
    showWaiting({ output, config, report, otherwise: () => doing }, work);
  try {
    const args = await readArguments({ pairs, json: options.text('args'), option: '--args' }, async () => {
      const schema = at(await waiting(toolNamed(name, own, signal)), 'inputSchema');
      return isObject(schema) ? schema : undefined;
    });
    const result = await waiting(
      own.call({
        method: 'tools/call',
        name,
        params: { name, arguments: args },
        signal,
        onProgress: ({ value }) => (doing = progressText(name, value)),
      }),
    );
    return show(result, output);
  } catch (error) {
    if (!(error instanceof RpcError) && !(error instanceof ProxyError)) throw error;
    if (ended !== '') {
      output.note(`The call of ${name} was cancelled: ${ended}.`);
      return 1;
    }
    output.note(
      error.message.includes('Did you mean') ? error.message : `${error.message}${await guess(name, own)}`,
    );
    if (!own.attachment.catalog.tools.has(name))
      for (const { server, why } of serversUnlisted(report())) output.note(`${server}: ${why}`);
    return 1;
  } finally {
    process.off('SIGINT', cancel).off('SIGTERM', cancel);
    await own.close();
  }
}

/** Finds the definition of a tool; waits for servers that are coming up only where none has it yet. */
async function toolNamed(name: string, own: OwnProxy, signal: Cancellation): Promise<JsonObject | undefined> {
  const find = (texts: readonly string[]): JsonObject | undefined =>
    texts.map((text) => JSON.parse(text) as JsonObject).find((tool) => tool['name'] === name);
  const found = find(own.attachment.catalog.lists.tools.items) ?? find(own.proxy.served.metaTools);
  if (found) return found;
  if (name.startsWith('workflow__')) return savedNamed(name, own);
  await own.proxy.toolAppears(name, signal);
  return find(own.attachment.catalog.lists.tools.items);
}

async function savedNamed(name: string, own: OwnProxy): Promise<JsonObject | undefined> {
  const text = await own.proxy.savedTool(name);
  return text === undefined ? undefined : (JSON.parse(text) as JsonObject);
}

async function guess(name: string, own: OwnProxy): Promise<string> {
  const { tools } = await own.attachment.settledCatalog('tools');
  const names = [
    ...tools.keys(),
    ...own.proxy.served.metaTools.flatMap((text) => stringAt(JSON.parse(text), 'name') ?? []),
  ];
  if (names.includes(name)) return '';
  const near = nearest(name, names);
  return near === undefined ? ' "switchyard list" names them.' : ` Did you mean ${near}?`;
}

function progressText(name: string, params: unknown): string {
  const [progress, total] = [at(params, 'progress'), at(params, 'total')];
  const message = stringAt(params, 'message');
  const count =
    typeof progress === 'number' ? ` ${progress}${typeof total === 'number' ? ` of ${total}` : ''}` : '';
  return `${name}${count}${message === undefined ? '' : `: ${plain(message)}`}`;
}

function show(result: Json, output: Output): number {
  const failed = at(result.value, 'isError') === true;
  if (output.json) output.document(result.exact);
  else {
    const content = at(result.value, 'content');
    for (const part of Array.isArray(content) ? (content as unknown[]) : []) output.line(shown(part));
  }
  return failed ? 1 : 0;
}

/** Text as it is; of what a terminal cannot show, what it is. */
function shown(part: unknown): string {
  const type = stringAt(part, 'type') ?? 'part';
  const text = stringAt(part, 'text') ?? stringAt(at(part, 'resource'), 'text');
  // What a terminal would obey is not for a server to say.
  if (text !== undefined) return text.replaceAll(/[^\P{Cc}\n\t]/gu, '');
  const data = stringAt(part, 'data') ?? stringAt(at(part, 'resource'), 'blob');
  const kind = stringAt(part, 'mimeType') ?? stringAt(at(part, 'resource'), 'mimeType') ?? '';
  const where = stringAt(part, 'uri') ?? stringAt(at(part, 'resource'), 'uri') ?? '';
  const size = data === undefined ? '' : `${Math.round((data.length * 3) / 4)} bytes`;
  return `[${[type, kind, size, where].filter((one) => one !== '').join(', ')}]`;
}
