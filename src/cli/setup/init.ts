/** `switchyard init`: a first config, asked for step by step; without a terminal by its options. */
import { createInterface } from 'node:readline/promises';
import { clientFiles } from '../../config/client-places.ts';
import { dialects } from '../../config/dialects/dialects.ts';
import type { ClientDialect } from '../../config/dialects/client-dialect.ts';
import { existsSync } from 'node:fs';
import { type ClientFileFound, foundServers } from '../../clients/found-servers.ts';
import type { Offered } from '../../clients/take-over.ts';
import { wholeNumber } from '../../core/whole-number.ts';
import type { Command, Input } from '../command.ts';
import { reached } from './import.ts';
import { install } from './install.ts';
import { clientNamed } from './named-clients.ts';
import { Output } from '../terminal/output.ts';
import { Options } from '../command.ts';
import { changeOwnConfig, ownConfigFile } from '../support/own-config-file.ts';
import { takenServers } from './importable-servers.ts';
import { UsageError } from '../command.ts';
import { plain } from '../terminal/sanitize.ts';

export const init: Command = {
  name: 'init',
  takes: '',
  summary: 'makes a first config: finds clients, offers their servers, installs the entry',
  about:
    'Asks in a terminal; --yes takes the answers that are offered. Nothing is written before the last question.',
  options: {
    yes: { type: 'boolean', short: 'y', about: 'take every answer that is offered' },
    servers: {
      type: 'string',
      multiple: true,
      value: 'A,B|none',
      about: 'which of the servers found to serve (default: all)',
    },
    clients: {
      type: 'string',
      multiple: true,
      value: 'C,D|none',
      about: 'which clients get the entry (default: those that have servers)',
    },
    'no-check': { type: 'boolean', about: 'do not start the servers to see whether they work' },
    adopt: { type: 'boolean', about: 'move the clients’ servers behind the entry instead of leaving a copy' },
  },
  examples: ['switchyard init', 'switchyard init --yes --clients cursor --adopt'],
  positionals: false,
  run,
};

async function run(input: Input): Promise<number> {
  const { options, configFiles, machine, output } = input;
  const interactive = output.interactive && process.stdin.isTTY === true && !options.flag('yes');
  if (!interactive && !options.flag('yes'))
    throw new UsageError(
      'There is no terminal to ask in: say --yes, with --servers and --clients where you want others than all.',
    );
  const own = await ownConfigFile(configFiles, machine);
  const found = foundServers([], machine).filter(({ trouble }) => trouble === undefined);
  const ask = interactive ? prompts() : undefined;
  try {
    const servers = await chosenServers(found, options.list('servers'), ask, output);
    const clients = await chosenClients(found, options.list('clients'), machine, ask, output);
    const isMoved =
      options.flag('adopt') ||
      (clients.length > 0 &&
        servers.length > 0 &&
        ask !== undefined &&
        (await ask.yes('Move the servers behind the entry, out of the clients’ own files?')));
    const { edits, taken, left } = await takenServers(servers, own, machine);
    for (const [{ client, name }, why] of left)
      output.note(`${plain(name)} of ${client} is left: ${plain(why)}`);
    const isChecked =
      !options.flag('no-check') &&
      servers.length > 0 &&
      (ask === undefined || (await ask.yes('Start each server once, to see whether it works?')));
    output.line();
    output.line(
      `To be written: ${own.file}, with ${edits.length} servers${own.text === undefined ? '' : ' beside what it has'}.`,
    );
    if (clients.length > 0) output.line(`To get the entry: ${clients.map(({ name }) => name).join(', ')}.`);
    if (ask && !(await ask.yes('Go on?'))) {
      output.line('Nothing was written.');
      return 1;
    }
    ask?.close();
    await changeOwnConfig(
      own,
      edits.length > 0 ? edits : own.text === undefined ? [{ path: ['mcpServers'], value: {} }] : [],
    );
    output.line(`Wrote ${own.file}.`);
    const healthy = isChecked ? await checked(own.file, input) : undefined;
    for (const client of clients) await installed(client, isMoved, own.file, input);
    output.line(`See what it serves: switchyard list --config ${own.file}`);
    if (output.json)
      output.document({
        file: own.file,
        servers: taken.map(({ key }) => key),
        clients: clients.map(({ id }) => id),
        ...(healthy !== undefined && { healthy }),
      });
    return 0;
  } finally {
    ask?.close();
  }
}

/** A failed check is reported and stops nothing: a server may need a variable that only the client has. */
async function checked(file: string, input: Input): Promise<boolean> {
  const { check } = await import('../check/check.ts');
  const output = input.output.json ? silent() : input.output;
  return (await check.run({ ...input, output, options: new Options(new Map()), configFiles: [file] })) === 0;
}

async function installed(client: ClientDialect, adopt: boolean, file: string, input: Input): Promise<void> {
  // The servers have been connected by now, unless that was not wanted.
  const options = new Options(
    new Map([
      ['adopt', adopt],
      ['no-check', true],
    ]),
  );
  // With --json the one document is ours.
  const output = input.output.json ? silent() : input.output;
  await install.run({ ...input, output, positionals: [client.id], options, configFiles: [file] });
}

function silent(): Output {
  const stdout = { write() {} };
  return new Output({ json: true, noColor: true, env: {}, stdout, stderr: process.stderr });
}

interface Prompts {
  /** Which of them; by their numbers. */
  some(question: string, count: number): Promise<readonly number[]>;
  yes(question: string): Promise<boolean>;
  close(): void;
}

function prompts(): Prompts {
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  return {
    async some(question, count) {
      for (;;) {
        const text = (await lines.question(`${question} (numbers, "all" or "none"; Enter: all) `)).trim();
        if (text === '' || text === 'all') return Array.from({ length: count }, (_, index) => index);
        if (text === 'none') return [];
        const numbers = text.split(/[\s,]+/).map((one) => (wholeNumber(one) ?? 0) - 1);
        if (numbers.every((number) => number >= 0 && number < count)) return numbers;
      }
    },
    yes: async (question) => /^(|y|yes)$/i.test((await lines.question(`${question} (Y/n) `)).trim()),
    close: () => lines.close(),
  };
}

async function chosenServers(
  found: readonly ClientFileFound[],
  wanted: readonly string[],
  ask: Prompts | undefined,
  output: Input['output'],
): Promise<readonly Offered[]> {
  const offered = found.flatMap(({ client, servers }) =>
    [...servers].map(([name, input]): Offered => ({ client: client.id, name, input })),
  );
  if (wanted.includes('none')) return [];
  const unknown = wanted.find((name) => !offered.some((one) => one.name === name));
  if (unknown !== undefined)
    throw new UsageError(
      `No client has a server "${unknown}"; they have: ${[...new Set(offered.map(({ name }) => name))].join(', ')}.`,
    );
  if (wanted.length > 0) return offered.filter(({ name }) => wanted.includes(name));
  if (offered.length === 0) {
    output.line('No client on this machine has a server configured: the config starts empty.');
    return [];
  }
  output.line('Servers that your clients have:');
  for (const [index, { client, name, input }] of offered.entries())
    output.line(`  ${String(index + 1).padStart(2)}  ${plain(name)}  ${reached(input)}  (${client})`);
  if (!ask) return offered;
  const numbers = await ask.some('Which are to be served?', offered.length);
  return offered.filter((_, index) => numbers.includes(index));
}

async function chosenClients(
  found: readonly ClientFileFound[],
  wanted: readonly string[],
  machine: Input['machine'],
  ask: Prompts | undefined,
  output: Input['output'],
): Promise<readonly ClientDialect[]> {
  if (wanted.includes('none')) return [];
  if (wanted.length > 0) return wanted.map(clientNamed);
  const users = found.filter(({ client, file }) => clientFiles(client.id, machine).includes(file));
  const here = dialects.filter(({ id }) => clientFiles(id, machine).some((file) => existsSync(file)));
  const offered = ask
    ? here
    : here.filter(({ id }) => users.some(({ client, servers }) => client.id === id && servers.size > 0));
  if (!ask || offered.length === 0) return offered;
  output.line('Clients on this machine:');
  for (const [index, { name }] of offered.entries())
    output.line(`  ${String(index + 1).padStart(2)}  ${name}`);
  const numbers = await ask.some('Which get the entry?', offered.length);
  return offered.filter((_, index) => numbers.includes(index));
}
