/** The JSON Schema of a config file, for editors. Reading a file is stricter: this knows the keys, not how they fit together. */
import type { AnyReader, Former, Key, Keys } from '../schema/reader.ts';
import { topKeys } from '../schema/top-keys.ts';

type Json = Readonly<Record<string, unknown>>;

/** An editor does not know what a variable gives. */
const VARIABLE = { type: 'string', pattern: '\\$\\{' };

export function configJsonSchema(): Json {
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'Switchyard',
    description: 'A config file of mcp-switchyard.',
    // VS Code knows these two.
    allowComments: true,
    allowTrailingCommas: true,
    ...sectionSchema(topKeys),
  };
}

function sectionSchema(keys: Keys, former: ReadonlyMap<string, Former> = new Map()): Json {
  const required = Object.keys(keys).filter((name) => keys[name]?.has === 'given');
  return {
    type: 'object',
    additionalProperties: false,
    ...(required.length > 0 && { required }),
    properties: {
      ...Object.fromEntries(Object.entries(keys).map(([name, key]) => [name, keySchema(key)])),
      ...Object.fromEntries([...former].map(([name, { now }]) => [name, formerSchema(now)])),
    },
  };
}

function keySchema({ reader, note, byDefault }: Key<unknown>): Json {
  const { doc, example } = note;
  const isPlain = reader.look.kind !== 'section' && !(byDefault instanceof Map);
  return {
    description: doc,
    ...(byDefault !== undefined && isPlain && { default: byDefault }),
    ...(example !== undefined && { examples: [example] }),
    ...valueSchema(reader),
  };
}

/** Any value is valid; editors strike the key out and show the sentence. */
function formerSchema(now: Former['now']): Json {
  const sentence = typeof now === 'string' ? now : `is called ${now.join('.')} now.`;
  return { deprecated: true, deprecationMessage: sentence };
}

function valueSchema({ look }: AnyReader): Json {
  switch (look.kind) {
    case 'section':
      return sectionSchema(look.keys, look.former);
    case 'table':
      return { type: 'object', additionalProperties: valueSchema(look.of) };
    case 'list':
      return { type: 'array', items: valueSchema(look.of) };
    case 'object':
      return { type: 'object' };
    case 'text':
      return { type: 'string' };
    case 'flag':
      return orText({ type: 'boolean' }, 'true|false');
    case 'share':
      return orText({ type: 'number', minimum: 0, maximum: 1 }, '\\d*\\.?\\d+');
    case 'choice':
      return { anyOf: [{ enum: [...look.names, ...look.aliases] }, VARIABLE] };
    case 'count':
      return orText(whole(look), '\\d+');
    case 'duration':
      return orText(whole(look), '\\s*\\d+(\\.\\d+)?\\s*([mM][sS]|[sSmMhH])?\\s*');
    case 'size':
      return orText(whole(look), '\\s*\\d+(\\.\\d+)?\\s*([kKmMgG][iI]?)?[bB]?\\s*');
  }
}

function whole({ min, max }: { readonly min: number; readonly max?: number }): Json {
  return { type: 'integer', minimum: min, ...(max !== undefined && { maximum: max }) };
}

function orText(schema: Json, pattern: string): Json {
  return { anyOf: [schema, { type: 'string', pattern: `^(${pattern})$|${VARIABLE.pattern}` }] };
}
