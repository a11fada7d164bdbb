/** `switchyard add` and `remove`: one server of our own config. */
import { isTable } from '../clients/text-editor.ts';
import { readIfThere, replaceFile } from '../clients/replace-file.ts';
import { messageOf } from '../core/errors.ts';
import { nearest } from '../core/nearest.ts';
import type { Command, Input } from './command.ts';
import { readConfig } from './configured.ts';
import { changeOwnConfig, type OwnConfigFile, ownConfigFile } from './own-config-file.ts';
import { UsageError } from './usage-error.ts';

export const add: Command = {
  name: 'add',
  takes: 'NAME (URL | -- COMMAND [ARG]…)',
  summary: 'adds a server to our config, whose comments and order are kept',
  about: 'Proxies that run take it up at once.',
  options: {
    env: {
      type: 'string',
      multiple: true,
      value: 'KEY=VALUE',
      about: 'a variable of the command; "${NAME}" refers to one of the proxy’s own',
    },
    header: {
      type: 'string',
      multiple: true,
      value: 'KEY=VALUE',
      about: 'a header of every request to the URL',
    },
    cwd: { type: 'string', value: 'FOLDER', about: 'where the command starts' },
    type: { type: 'string', value: 'TYPE', about: 'http, sse or websocket (default: found out)' },
    replace: { type: 'boolean', about: 'put it in the place of a server of that name' },
  },
  examples: [
    'switchyard add memory -- npx -y @modelcontextprotocol/server-memory',
    'switchyard add docs https://docs.example/mcp --header "Authorization=Bearer ${DOCS_TOKEN}"',
  ],
  positionals: true,
  run: runAdd,
};

export const remove: Command = {
  name: 'remove',
  takes: 'NAME',
  summary: 'takes a server out of our config',
  options: {},
  examples: ['switchyard remove memory'],
  positionals: true,
  run: runRemove,
};

async function runAdd(input: Input): Promise<number> {
  const { positionals, options, configFiles, machine, output } = input;
  const [name, ...words] = positionals;
  if (name === undefined) throw new UsageError('switchyard add expects a NAME, and a URL or -- COMMAND.');
  const own = await ownConfigFile(configFiles, machine);
  if (Object.hasOwn(serversOf(own), name) && !options.flag('replace'))
    throw new UsageError(`There is a server "${name}" already: take another name, or say --replace.`);
  const entry = entryOf(input, words);
  await changeOwnConfig(own, [{ path: ['mcpServers', name], value: entry }]);
  try {
    await readConfig([own.file], machine);
  } catch (error) {
    // As it was: a config that cannot be read would stop every proxy that starts.
    await restore(own);
    throw new UsageError(`Nothing was added: ${messageOf(error)}`);
  }
  if (output.json) output.document({ file: own.file, added: name });
  else output.line(`Added ${name} to ${own.file}.`);
  return 0;
}

async function runRemove({ positionals, configFiles, machine, output }: Input): Promise<number> {
  const [name, more] = positionals;
  if (name === undefined || more !== undefined) throw new UsageError('switchyard remove expects one NAME.');
  const own = await ownConfigFile(configFiles, machine);
  const names = Object.keys(serversOf(own));
  if (!names.includes(name)) {
    const near = nearest(name, names);
    throw new UsageError(
      `There is no server "${name}" in ${own.file}.${near === undefined ? '' : ` Did you mean ${near}?`}`,
    );
  }
  await changeOwnConfig(own, [{ path: ['mcpServers', name], value: undefined }]);
  if (output.json) output.document({ file: own.file, removed: name });
  else output.line(`Removed ${name} from ${own.file}.`);
  return 0;
}

function entryOf({ options, rest }: Input, words: readonly string[]): Readonly<Record<string, unknown>> {
  const [url, unexpected] = words;
  const type = options.text('type');
  const [env, headers] = [pairs(options.texts('env'), '--env'), pairs(options.texts('header'), '--header')];
  const cwd = options.text('cwd');
  const [command, ...args] = rest;
  if (command !== undefined) {
    if (url !== undefined) throw new UsageError('Give a URL or a command behind --, not both.');
    return { command, args, ...(env && { env }), ...(cwd !== undefined && { cwd }) };
  }
  if (url === undefined) throw new UsageError('What is to be added? Give a URL, or a command behind --.');
  if (unexpected !== undefined || !/^(https?|wss?):\/\//.test(url))
    throw new UsageError(`A command stands behind --: switchyard add NAME -- ${words.join(' ')}`);
  const kind = type ?? (url.startsWith('ws') ? 'websocket' : undefined);
  return { ...(kind !== undefined && { type: kind }), url, ...(headers && { headers }) };
}

function pairs(texts: readonly string[], option: string): Readonly<Record<string, string>> | undefined {
  if (texts.length === 0) return undefined;
  return Object.fromEntries(
    texts.map((text) => {
      const split = text.indexOf('=');
      if (split <= 0) throw new UsageError(`${option} expects KEY=VALUE.`);
      return [text.slice(0, split), text.slice(split + 1)];
    }),
  );
}

function serversOf({ root }: OwnConfigFile): Readonly<Record<string, unknown>> {
  const servers = isTable(root) ? root['mcpServers'] : undefined;
  return isTable(servers) ? servers : {};
}

async function restore({ file, text }: OwnConfigFile): Promise<void> {
  if ((await readIfThere(file)) !== text) await replaceFile(file, text ?? '{\n  "mcpServers": {}\n}\n');
}
