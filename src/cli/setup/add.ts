/** `switchyard add` and `remove`: one server of our own config. */
import { existsSync } from 'node:fs';
import { isAbsolute, resolve } from 'node:path';
import { serversOf } from '../../clients/take-over.ts';
import { sameValue } from '../../clients/edit/same-value.ts';
import { nearest } from '../../core/nearest.ts';
import type { Command, Input } from '../command.ts';
import { learnServers, NO_CHECK } from './learn-servers.ts';
import { changeCheckedConfig, type OwnConfigFile, withOwnConfig } from '../support/own-config-file.ts';
import { UsageError } from '../command.ts';

export const add: Command = {
  name: 'add',
  takes: 'NAME (URL | -- COMMAND [ARG]…)',
  summary: 'adds a server to our config, whose comments and order are kept',
  about:
    'It is connected once, so that a client’s first start finds its tools. Proxies that run take it up at once.',
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
    cwd: {
      type: 'string',
      value: 'FOLDER',
      about: 'where the command starts (default: here, where it names files of this folder)',
    },
    type: { type: 'string', value: 'TYPE', about: 'http, sse or websocket (default: found out)' },
    replace: { type: 'boolean', about: 'put it in the place of a server of that name' },
    'no-check': NO_CHECK,
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
  const [name, ...words] = input.positionals;
  if (name === undefined) throw new UsageError('switchyard add expects a NAME, and a URL or -- COMMAND.');
  const { options, machine, output } = input;
  const { file, entry, unchanged } = await withOwnConfig(input.configFiles, machine, (own) =>
    addTo(own, name, words, input),
  );
  output.line(unchanged ? `${name} is there already, unchanged (${file}).` : `Added ${name} to ${file}.`);
  if (!unchanged && 'cwd' in entry && options.text('cwd') === undefined)
    output.line(`It starts in ${machine.cwd}, where its command names files.`);
  const checked = !options.flag('no-check');
  const [learned] = checked ? await learnServers({ file, servers: [name], machine, output }) : [];
  if (output.json)
    output.document({
      file,
      ...(unchanged ? { unchanged: name } : { added: name }),
      ...(learned && { tools: learned.tools, trouble: learned.trouble }),
    });
  return 0;
}

interface Added {
  readonly file: string;
  readonly entry: Entry;
  /** It was there before, just like that. */
  readonly unchanged: boolean;
}

async function addTo(
  own: OwnConfigFile,
  name: string,
  words: readonly string[],
  input: Input,
): Promise<Added> {
  const { options, machine } = input;
  const { file } = own;
  const present = new Map(Object.entries(serversOf(own.root)));
  const entry = entryOf(input, words);
  if (present.has(name) && !options.flag('replace')) {
    // The same command line twice asks for nothing new.
    if (sameValue(present.get(name), entry)) return { file, entry, unchanged: true };
    throw new UsageError(`There is another server "${name}" already: take another name, or say --replace.`);
  }
  // A config that cannot be read would stop every proxy that starts.
  await changeCheckedConfig(own, [{ path: ['mcpServers', name], value: entry }], machine);
  return { file, entry, unchanged: false };
}

async function runRemove({ positionals, configFiles, machine, output }: Input): Promise<number> {
  const [name, more] = positionals;
  if (name === undefined || more !== undefined) throw new UsageError('switchyard remove expects one NAME.');
  return withOwnConfig(configFiles, machine, (own) => removeFrom(own, name, machine, output));
}

async function removeFrom(
  own: OwnConfigFile,
  name: string,
  machine: Input['machine'],
  output: Input['output'],
): Promise<number> {
  if (own.text === undefined)
    throw new UsageError(
      `There is no config yet (${own.file}): "switchyard add" or "switchyard init" makes one.`,
    );
  const names = Object.keys(serversOf(own.root));
  if (!names.includes(name)) {
    const near = nearest(name, names);
    throw new UsageError(
      `There is no server "${name}" in ${own.file}.${near === undefined ? '' : ` Did you mean ${near}?`}`,
    );
  }
  await changeCheckedConfig(own, [{ path: ['mcpServers', name], value: undefined }], machine);
  if (output.json) output.document({ file: own.file, removed: name });
  else output.line(`Removed ${name} from ${own.file}.`);
  return 0;
}

type Entry = Readonly<Record<string, unknown>>;

function entryOf(input: Input, words: readonly string[]): Entry {
  const [url, unexpected] = words;
  if (input.rest.length > 0) {
    if (url !== undefined) throw new UsageError('Give a URL or a command behind --, not both.');
    return program(input);
  }
  if (url === undefined) throw new UsageError('What is to be added? Give a URL, or a command behind --.');
  if (unexpected !== undefined || !/^(https?|wss?|tcp):\/\//.test(url))
    throw new UsageError(`A command stands behind --: switchyard add NAME -- ${words.join(' ')}`);
  return remote(url, input);
}

function program({ rest, options, machine }: Input): Entry {
  refuse(options, ['header', 'type'], 'is for a URL');
  const [command = '', ...args] = rest;
  const given = options.text('cwd');
  const env = pairs(options.texts('env'), '--env', /^([^=]+)=(.*)$/s);
  // The proxy may be started anywhere; the command was typed here.
  const namesFiles = rest.some((word) => namesFile(word, machine.cwd));
  const cwd = given !== undefined ? resolve(machine.cwd, given) : namesFiles ? machine.cwd : undefined;
  return {
    command: namesFile(command, machine.cwd) ? resolve(machine.cwd, command) : command,
    ...(args.length > 0 && { args }),
    ...(env && { env }),
    ...(cwd !== undefined && { cwd }),
  };
}

function remote(url: string, { options }: Input): Entry {
  refuse(options, ['env', 'cwd'], 'is for a command');
  if (url.startsWith('tcp:')) {
    refuse(options, ['header', 'type'], 'is not for tcp');
    const { hostname, port } = URL.canParse(url) ? new URL(url) : { hostname: '', port: '' };
    if (hostname === '' || port === '') throw new UsageError('An address of tcp is tcp://HOST:PORT.');
    return { type: 'tcp', host: hostname.replace(/^\[(.*)\]$/, '$1'), port: Number(port) };
  }
  const type = options.text('type') ?? (url.startsWith('ws') ? 'websocket' : undefined);
  const headers = pairs(options.texts('header'), '--header', /^([^=:\s]+)\s*[=:]\s*(.*)$/s);
  return { ...(type !== undefined && { type }), url, ...(headers && { headers }) };
}

/** @returns true for a path from this folder on; an option or the name of a package is none. */
function namesFile(word: string, folder: string): boolean {
  if (isAbsolute(word) || /^[-@]/.test(word) || !/[./\\]/.test(word)) return false;
  return existsSync(resolve(folder, word));
}

function pairs(
  texts: readonly string[],
  option: string,
  form: RegExp,
): Readonly<Record<string, string>> | undefined {
  if (texts.length === 0) return undefined;
  return Object.fromEntries(
    texts.map((text) => {
      const [, key, value] = form.exec(text) ?? [];
      if (key === undefined || value === undefined) throw new UsageError(`${option} expects KEY=VALUE.`);
      return [key, value];
    }),
  );
}

/** An option that would do nothing is a mistake. */
function refuse(options: Input['options'], names: readonly string[], why: string): void {
  for (const name of names) if (options.text(name) !== undefined) throw new UsageError(`--${name} ${why}.`);
}
