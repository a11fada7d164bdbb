/** The page of all commands and their options, from what the commands declare. */
import type { Command, Option } from '../../src/commands/command.ts';
import { COMMANDS, DEFAULT_COMMAND } from '../../src/commands/commands.ts';
import { COMMON_OPTIONS } from '../../src/commands/common-options.ts';

export async function commandsPage(): Promise<string> {
  const commands = await Promise.all(COMMANDS.map(async (entry) => entry.load()));
  return [
    '# Commands',
    '<!-- Made by `npm run docs` from src/commands: change it there. -->',
    `\`switchyard\` and \`mcp-switchyard\` are the same program. Without a command it runs \`${DEFAULT_COMMAND}\`. Exit code 0 means done, 1 means failed, 2 means wrong use or a wrong config.`,
    commands.map(({ name, summary }) => `- [\`${name}\`](#switchyard-${name}): ${summary}`).join('\n'),
    '## Options of every command',
    [
      ...optionItems(COMMON_OPTIONS),
      '- `--version`, without a command: print the version',
      '- `--help`, without a command: list all commands',
    ].join('\n'),
    ...commands.flatMap(section),
    '',
  ].join('\n\n');
}

function section({ name, takes, summary, about, options, examples }: Command): readonly string[] {
  const own = optionItems(options);
  return [
    `## \`switchyard ${name}\``,
    fenced('text', [['switchyard', name, takes, '[options]'].filter((word) => word !== '').join(' ')]),
    `The command ${summary}.`,
    ...(about === undefined ? [] : [paragraph(about)]),
    ...(own.length === 0 ? [] : [own.join('\n')]),
    'Examples:',
    fenced('sh (not run: each stands for itself, with names of your own)', examples),
  ];
}

function optionItems(options: Readonly<Record<string, Option>>): readonly string[] {
  return Object.entries(options).map(([name, { type, value = 'VALUE', short, multiple, about }]) => {
    const spelt = [`--${name}`, ...(short === undefined ? [] : [`-${short}`])].map((one) =>
      type === 'string' ? `\`${one} ${value}\`` : `\`${one}\``,
    );
    return `- ${spelt.join(', ')}: ${about}${multiple === true && !about.includes('repeatable') ? ' (repeatable)' : ''}`;
  });
}

/** Text in columns keeps them. */
function paragraph(about: string): string {
  const lines = about.split('\n');
  return lines.some((line) => /\S {2,}\S/.test(line)) ? fenced('text', lines) : lines.join(' ');
}

function fenced(kind: string, lines: readonly string[]): string {
  return ['```' + kind, ...lines, '```'].join('\n');
}
