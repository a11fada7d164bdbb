/** The page that lists every key of a config file, as Markdown. */
import { type Described, type DescribedKey, describedConfig } from './described.ts';

export function configPage(): string {
  const top = describedConfig();
  const servers = top.find(({ name }) => name === 'mcpServers');
  const others = top.filter(({ name }) => name !== 'mcpServers' && name !== 'defaults');
  return [
    INTRODUCTION,
    '## The keys of a file',
    keysTable(top),
    '## A server',
    'What stands under a name in `mcpServers`. `defaults` takes the same keys, but not what says where a server is (`type`, `command`, `args`, `url`, `auth`, `host`, `port`) nor its `namespace`. A nested section is laid over its default key by key; a list replaces it as a whole.',
    ...(servers === undefined ? [] : sections(servers, '')),
    '## The rest of a file',
    ...others.flatMap((key) => sections(key, '', true)),
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

/** A table for each section within the key, the key's own first. */
function sections(key: DescribedKey, path: string, own = false): readonly string[] {
  const keys = keysWithin(key.value);
  if (keys === undefined) return [];
  const name = path === '' ? key.name : `${path}.${key.name}`;
  const within = key.name === 'mcpServers' ? '' : `${name}${key.value.kind === 'table' ? '.NAME' : ''}`;
  const title = within === '' ? [] : [`### \`${within}\``, ...(own || path !== '' ? [key.note.does] : [])];
  return [
    ...(within === '' && !own ? [] : title.length > 0 ? title : [`### \`${name}\``, key.note.does]),
    keysTable(keys),
    ...keys.flatMap((inner) => sections(inner, within)),
  ];
}

function keysWithin(value: Described): readonly DescribedKey[] | undefined {
  if (value.kind === 'section') return value.keys;
  return value.kind === 'table' || value.kind === 'list' ? keysWithin(value.of) : undefined;
}

function keysTable(keys: readonly DescribedKey[]): string {
  const rows = keys.map((key) => {
    const example = key.note.example === undefined ? '' : code(key.note.example);
    return [`\`${key.name}\``, key.note.does, typeText(key.value), defaultText(key), example];
  });
  return [['Key', 'Meaning', 'Type', 'Default', 'Example'], Array(5).fill('---'), ...rows]
    .map((cells) => `| ${cells.map((cell) => String(cell).replaceAll('|', '\\|')).join(' | ')} |`)
    .join('\n');
}

function typeText(value: Described): string {
  switch (value.kind) {
    case 'section':
      return 'section';
    case 'table':
      return `table of ${plural(value.of)}`;
    case 'list':
      return `list of ${plural(value.of)}`;
    case 'object':
      return 'table';
    case 'text':
      return 'text';
    case 'flag':
      return '`true`, `false`';
    case 'share':
      return 'number from 0 to 1';
    case 'choice':
      return value.names.map(code).join(', ');
    case 'count':
      return value.max === undefined
        ? `number, at least ${value.min}`
        : `number, ${value.min} to ${value.max}`;
    case 'duration':
    case 'size':
      return value.min > 1 ? `${value.kind}, at least ${value.min}` : value.kind;
  }
}

function plural(value: Described): string {
  if (value.kind === 'choice') return value.names.map(code).join(', ');
  return value.kind === 'section' ? 'sections' : `${typeText(value)}s`;
}

function defaultText({ note, required, value }: DescribedKey): string {
  if (required) return 'must be given';
  if (note.inWords !== undefined) return note.inWords;
  if (note.byDefault === undefined) return '';
  if (typeof note.byDefault !== 'number') return code(note.byDefault);
  if (value.kind === 'duration') return amount(note.byDefault, DURATIONS);
  return value.kind === 'size' ? amount(note.byDefault, SIZES) : code(note.byDefault);
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

/** In the largest unit of which it is a whole number. */
function amount(value: number, units: readonly (readonly [string, number])[]): string {
  const [unit, factor] = units.find(([, each]) => value > 0 && value % each === 0) ?? ['', 1];
  return unit === '' ? code(value) : code(`${value / factor}${unit}`);
}

function code(value: unknown): string {
  return `\`${JSON.stringify(value)}\``;
}
