/** Help, made of what the commands declare. */
import type { Command, Option } from './command.ts';
import { COMMANDS } from './registry.ts';
import { COMMON_OPTIONS } from './command.ts';
import { wrapped } from './terminal/table.ts';

export async function helpOfAll(): Promise<string> {
  const commands = await Promise.all(COMMANDS.map(async (entry) => entry.load()));
  return [
    'Usage: switchyard [COMMAND] [options]',
    '',
    'One MCP server in front of many. Without a command it serves, as a client’s entry starts it.',
    '',
    'Commands:',
    ...rows(commands.map(({ name, summary }) => [name, summary])),
    '',
    'Every command takes:',
    ...rows([...optionRows(COMMON_OPTIONS), ['--version', 'print the version']]),
    '',
    'switchyard COMMAND --help says more, with examples.',
    '',
  ].join('\n');
}

export function helpOf(command: Command): string {
  const own = optionRows(command.options);
  return [
    `Usage: switchyard ${command.name}${command.takes === '' ? '' : ` ${command.takes}`} [options]`,
    '',
    command.summary,
    ...(command.about === undefined ? [] : ['', command.about]),
    '',
    'Options:',
    ...rows([...own, ...optionRows(COMMON_OPTIONS)]),
    '',
    'Examples:',
    ...command.examples.map((example) => `  ${example}`),
    '',
  ].join('\n');
}

type Row = readonly [term: string, meaning: string];

function optionRows(options: Readonly<Record<string, Option>>): Row[] {
  return Object.entries(options).map(([name, { type, value = 'VALUE', short, about }]) => [
    `--${name}${type === 'string' ? ` ${value}` : ''}${short === undefined ? '' : `, -${short}`}`,
    about,
  ]);
}

const WIDTH = 100;

function rows(pairs: readonly Row[]): string[] {
  const indent = Math.min(28, Math.max(...pairs.map(([term]) => term.length)) + 4);
  return pairs.flatMap(([term, meaning]) => {
    const [first = '', ...more] = wrapped(meaning, WIDTH - indent);
    const head = `  ${term}`;
    const lines = more.map((line) => ' '.repeat(indent) + line);
    return head.length < indent - 1
      ? [head.padEnd(indent) + first, ...lines]
      : [head, ' '.repeat(indent) + first, ...lines];
  });
}
