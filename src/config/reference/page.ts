/** The page that lists every key of a config file, as Markdown. */
import type { AnyReader, Key, Keys } from '../schema/reader.ts';
import { topKeys } from '../schema/top-keys.ts';

export function configPage(): string {
  const { mcpServers, defaults: _, ...others } = topKeys;
  return [
    INTRODUCTION,
    '## The keys of a file',
    keysTable(topKeys),
    '## A server',
    'What stands under a name in `mcpServers`. `defaults` takes the same keys, but not what says where a server is (`type`, `command`, `args`, `url`, `auth`, `host`, `port`) nor its `namespace`. A nested section is laid over its default key by key; a list replaces it as a whole.',
    ...contents(keysWithin(mcpServers.reader) ?? {}, ''),
    '## The rest of a file',
    ...Object.entries(others).flatMap(([name, key]) => section(name, key)),
    '',
  ].join('\n\n');
}

const INTRODUCTION = `# Configuration

<!-- Made by \`npm run docs\` from src/config: change it there. -->

Every key that \`switchyard.json\` (JSON with comments), \`.yaml\` or \`.toml\` may hold. An unknown key is an error that names the nearest known one; all errors of a file are reported at once, each with its place.

Editors check and complete a file that names the JSON Schema of the package, by its path from the file:

\`\`\`jsonc
{ "$schema": "./node_modules/mcp-switchyard/switchyard.schema.json" }
\`\`\`

A **duration** is a whole number of milliseconds, or text such as \`"500ms"\`, \`"30s"\`, \`"1.5m"\`, \`"2h"\`. A **size** is a whole number of bytes, or text such as \`"64KB"\` (thousands) or \`"32MiB"\` (1024s). Numbers and switches may come as text, since a variable gives nothing else.

Variables stand in any string: \`\${NAME}\`, \`\${NAME:-default}\`, \`\${env:NAME}\`, \`\${file:PATH}\`, \`\${userHome}\`, \`\${workspaceFolder}\`. \`$\${NAME}\` is the text itself. A variable that is not set is an error.`;

/** The section under its heading; nothing where the key holds none. */
function section(path: string, { reader, note }: Key<unknown>): readonly string[] {
  const keys = keysWithin(reader);
  if (keys === undefined) return [];
  const within = reader.look.kind === 'table' ? `${path}.NAME` : path;
  return [`### \`${within}\``, note.doc, ...contents(keys, `${within}.`)];
}

/** The keys as a table, and the sections within them. */
function contents(keys: Keys, prefix: string): readonly string[] {
  return [
    keysTable(keys),
    ...Object.entries(keys).flatMap(([name, key]) => section(`${prefix}${name}`, key)),
  ];
}

function keysWithin({ look }: AnyReader): Keys | undefined {
  if (look.kind === 'section') return look.keys;
  return look.kind === 'table' || look.kind === 'list' ? keysWithin(look.of) : undefined;
}

function keysTable(keys: Keys): string {
  const rows = Object.entries(keys).map(([name, key]) => {
    const { doc, example } = key.note;
    return [
      `\`${name}\``,
      doc,
      typeText(key.reader),
      defaultText(key),
      example === undefined ? '' : code(example),
    ];
  });
  return [['Key', 'Meaning', 'Type', 'Default', 'Example'], Array(5).fill('---'), ...rows]
    .map((cells) => `| ${cells.map((cell) => String(cell).replaceAll('|', '\\|')).join(' | ')} |`)
    .join('\n');
}

function typeText({ look }: AnyReader): string {
  switch (look.kind) {
    case 'section':
      return 'section';
    case 'table':
      return `table of ${plural(look.of)}`;
    case 'list':
      return `list of ${plural(look.of)}`;
    case 'object':
      return 'table';
    case 'text':
      return 'text';
    case 'flag':
      return '`true`, `false`';
    case 'share':
      return 'number from 0 to 1';
    case 'choice':
      return look.names.map(code).join(', ');
    case 'count':
      return look.max === undefined ? `number, at least ${look.min}` : `number, ${look.min} to ${look.max}`;
    case 'duration':
    case 'size':
      return look.min > 1 ? `${look.kind}, at least ${look.min}` : look.kind;
  }
}

function plural(reader: AnyReader): string {
  const { look } = reader;
  if (look.kind === 'choice') return look.names.map(code).join(', ');
  return look.kind === 'section' ? 'sections' : `${typeText(reader)}s`;
}

function defaultText({ reader, note, has, byDefault }: Key<unknown>): string {
  const { kind } = reader.look;
  if (has === 'given') return 'must be given';
  if (note.without !== undefined) return note.without;
  if (byDefault === undefined || kind === 'section' || kind === 'table') return '';
  if (typeof byDefault !== 'number') return code(byDefault);
  if (kind === 'duration') return amount(byDefault, DURATIONS);
  return kind === 'size' ? amount(byDefault, SIZES) : code(byDefault);
}

const DURATIONS = [
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1000],
  ['ms', 1],
] as const;

const SIZES = [
  ['MiB', 1024 ** 2],
  ['KiB', 1024],
  ['B', 1],
] as const;

/** The amount in the largest unit of which it is a whole number. */
function amount(value: number, units: readonly (readonly [string, number])[]): string {
  const [unit, factor] = units.find(([, each]) => value > 0 && value % each === 0) ?? ['', 1];
  return unit === '' ? code(value) : code(`${value / factor}${unit}`);
}

function code(value: unknown): string {
  return `\`${JSON.stringify(value)}\``;
}
