/** The JSON Schema of a config file, for editors. Reading a file is stricter: this knows the keys, not how they fit together. */
import { type Described, type DescribedKey, describedConfig } from './described.ts';

type Json = Readonly<Record<string, unknown>>;

/** Whatever a variable may give is not known to an editor. */
const VARIABLE = { type: 'string', pattern: '\\$\\{' };

export function configJsonSchema(): Json {
  const keys = describedConfig();
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'Switchyard',
    description: 'A config file of mcp-switchyard.',
    // Of VS Code.
    allowComments: true,
    allowTrailingCommas: true,
    ...sectionSchema(keys),
  };
}

function sectionSchema(keys: readonly DescribedKey[]): Json {
  const required = keys.filter((key) => key.required).map(({ name }) => name);
  return {
    type: 'object',
    additionalProperties: false,
    ...(required.length > 0 && { required }),
    properties: Object.fromEntries(keys.map((key) => [key.name, keySchema(key)])),
  };
}

function keySchema({ note, value }: DescribedKey): Json {
  return {
    description: note.does,
    ...(note.byDefault !== undefined && note.inWords === undefined && { default: note.byDefault }),
    ...(note.example !== undefined && { examples: [note.example] }),
    ...valueSchema(value),
  };
}

function valueSchema(value: Described): Json {
  switch (value.kind) {
    case 'section':
      return sectionSchema(value.keys);
    case 'table':
      return { type: 'object', additionalProperties: valueSchema(value.of) };
    case 'list':
      return { type: 'array', items: valueSchema(value.of) };
    case 'object':
      return { type: 'object' };
    case 'text':
      return { type: 'string' };
    case 'flag':
      return orText({ type: 'boolean' }, 'true|false');
    case 'share':
      return orText({ type: 'number', minimum: 0, maximum: 1 }, '\\d*\\.?\\d+');
    case 'choice':
      return { anyOf: [{ enum: [...value.names, ...value.aliases] }, VARIABLE] };
    case 'count':
      return orText(whole(value), '\\d+');
    case 'duration':
      return orText(whole(value), '\\s*\\d+(\\.\\d+)?\\s*([mM][sS]|[sSmMhH])?\\s*');
    case 'size':
      return orText(whole(value), '\\s*\\d+(\\.\\d+)?\\s*([kKmMgG][iI]?)?[bB]?\\s*');
  }
}

function whole({ min, max }: { readonly min: number; readonly max?: number }): Json {
  return { type: 'integer', minimum: min, ...(max !== undefined && { maximum: max }) };
}

function orText(schema: Json, pattern: string): Json {
  return { anyOf: [schema, { type: 'string', pattern: `^(${pattern})$|${VARIABLE.pattern}` }] };
}
