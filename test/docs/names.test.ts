/** What the pages mention by name: commands with their options, and keys of the config. */
import { describe, expect, test } from 'vitest';
import { COMMON_OPTIONS } from '../../src/commands/common-options.ts';
import { COMMANDS } from '../../src/commands/commands.ts';
import { type Described, describedConfig, type DescribedKey } from '../../src/config/reference/described.ts';
import { type Page, pages } from './pages.ts';

const commands = new Map(
  await Promise.all(COMMANDS.map(async ({ name, load }) => [name, await load()] as const)),
);

/** Code in the text, and the lines of shell blocks, each with its page. */
const written = pages.filter(isOfToday).flatMap(({ file, text, blocks }) => {
  const prose = text.replaceAll(/^```[\s\S]*?^```$/gm, '');
  const inline = [...prose.matchAll(/`([^`\n]+)`/g)].map(([, code = '']) => code);
  const lines = blocks.filter(({ language }) => language === 'sh').flatMap((block) => block.text.split('\n'));
  return [...inline, ...lines].map((code) => ({ file, code }));
});

describe('the pages mention only', () => {
  test('commands that are there, with options that they take', () => {
    const lines = written
      .filter(({ code }) => code.startsWith('switchyard ') || isShort(code))
      .map(({ file, code }) => ({ file, code: isShort(code) ? `switchyard ${code}` : code }));
    const wrong = lines.flatMap(({ file, code }) =>
      wrongWords(code).map((word) => `${file}: ${code}: ${word}`),
    );
    expect(wrong).toEqual([]);
    expect(lines.length).toBeGreaterThan(100);
  });

  test('keys of the config that are there', () => {
    const tops = describedConfig();
    const servers = tops
      .filter(({ name }) => name === 'mcpServers')
      .flatMap(({ value }) => keysWithin(value));
    const roots = [...tops, ...servers];
    const sections = new Set(
      roots.filter(({ value }) => keysWithin(value).length > 0).map(({ name }) => name),
    );
    const paths = written.filter(({ code }) => {
      const [first = ''] = code.split('.', 1);
      return /^[a-zA-Z]+(\.[a-zA-Z]+)+$/.test(code) && sections.has(first) && !/\.(ts|mjs|json)$/.test(code);
    });
    const wrong = paths.filter(({ code }) => !roots.some((root) => leadsTo(root, code.split('.'))));
    expect(wrong.map(({ file, code }) => `${file}: ${code}`)).toEqual([]);
    expect(paths.length).toBeGreaterThan(40);
  });
});

/** The changelog and the decisions speak of earlier days. */
function isOfToday({ file }: Page): boolean {
  return file !== 'CHANGELOG.md' && !file.startsWith('docs/decisions/');
}

/** A command without the program's name, as in `serve --http`. */
function isShort(code: string): boolean {
  return commands.has(code.split(' ', 1).join()) && code.includes(' --');
}

/** The command and the options of a line that are not there. */
function wrongWords(code: string): string[] {
  const [own = ''] = code.replaceAll(/"[^"]*"|'[^']*'/g, 'QUOTED').split(/ -- | \||;|\)/, 1);
  const [, ...words] = own.split(/\s+/);
  const [first = ''] = words;
  const command = commands.get(first.startsWith('-') ? 'serve' : first);
  if (!command) return [first];
  const known = new Set(['version', ...Object.keys(command.options), ...Object.keys(COMMON_OPTIONS)]);
  return words.filter((word) => word.startsWith('--') && !known.has(word.slice(2).replace(/[=\]].*$/, '')));
}

function keysWithin(value: Described): readonly DescribedKey[] {
  if (value.kind === 'section') return value.keys;
  return value.kind === 'table' || value.kind === 'list' ? keysWithin(value.of) : [];
}

/** Whether the path goes from the key on to another; a name in capitals stands for any entry of a table. */
function leadsTo(key: DescribedKey, [name, next, ...rest]: readonly string[]): boolean {
  if (key.name !== name) return false;
  if (next === undefined) return true;
  if (/^[A-Z]+$/.test(next)) return leadsTo(key, [name, ...rest]);
  return keysWithin(key.value).some((inner) => leadsTo(inner, [next, ...rest]));
}
