/** Definitions of tools, prompts, resources and templates with more in them than the protocol knows. */
import fc from 'fast-check';
import { changed, member, type Member, minify, objectWith, print, stringText } from './json-text.ts';
import type { RawListing } from './raw-downstream.ts';
import { uriOf } from './scenarios.ts';

export interface Definition {
  readonly text: string;
  /** Minified, as clients must see it. */
  readonly seen: string;
}

export type Definitions = Readonly<Record<keyof RawListing, readonly Definition[]>>;

const EACH = Number(process.env['FUZZ_RUNS'] ?? 25);
const ITEM_KEYS = [
  ...[
    'name',
    'title',
    'description',
    'icons',
    '_meta',
    'annotations',
    'execution',
    'size',
    'mimeType',
    'uri',
  ],
  ...['inputSchema', 'outputSchema', 'arguments', 'uriTemplate'],
];
const ANNOTATION_KEYS = [
  ...['title', 'readOnlyHint', 'destructiveHint', 'idempotentHint', 'openWorldHint', 'audience', 'priority'],
  'lastModified',
];
const SCHEMA_KEYS = [
  ...[
    'type',
    '$schema',
    'properties',
    'required',
    'items',
    'not',
    'if',
    'then',
    'else',
    'oneOf',
    'anyOf',
    'allOf',
  ],
  ...[
    '$defs',
    'definitions',
    'contains',
    'prefixItems',
    'additionalProperties',
    'propertyNames',
    'x-mcp-header',
  ],
];

const object = objectWith([], [...SCHEMA_KEYS, 'ui', 'ui/resourceUri']).map(print);
const annotations = objectWith(
  [member('priority', '1.0'), member('readOnlyHint', 'true')],
  ANNOTATION_KEYS,
).map(print);
const schema = fc.array(fc.tuple(stringText, object), { maxLength: 3 }).chain((properties) => {
  const named = properties.map(([key, value]) => [JSON.parse(key) as string, { key, value }] as const);
  // Half a character in a name is what the usual client cannot compile.
  const unique = new Map(named.filter(([name]) => !/\p{Surrogate}/u.test(name)));
  const inner = print({ members: [...unique.values()], spaces: [' ', ''] });
  return objectWith([member('type', '"object"'), member('properties', inner)], SCHEMA_KEYS).map(print);
});

export function definitionsFor(server: string, seed: number): Definitions {
  const make = (
    named: (turn: number) => readonly Member[],
    rest: fc.Arbitrary<readonly Member[]>,
    prefixed: boolean,
  ): Definition[] =>
    fc.sample(rest, { seed, numRuns: EACH }).flatMap((more, turn) =>
      fc
        .sample(objectWith([...named(turn), ...more], ITEM_KEYS), { seed: seed + turn, numRuns: 1 })
        .map((parts) => {
          if (!prefixed) return { text: print(parts), seen: minify(print(parts)) };
          const name = (own: string): string => JSON.stringify(`${server}__${JSON.parse(own) as string}`);
          const { members, spaces } = changed(parts, { name });
          const words = turn === 0 ? 'fuzz' : `fuzz ${turn}`;
          const titled = [...members, member('title', `"${server}: ${words}"`)];
          return { text: print(parts), seen: minify(print({ members: titled, spaces })) };
        }),
    );
  const nameOf = (turn: number): Member => member('name', turn === 0 ? '"fuzz"' : `"fuzz\\u002d${turn}"`);
  const common = fc
    .tuple(stringText, object)
    .map(([text, meta]) => [member('description', text), member('_meta', meta)]);
  const tool = fc
    .tuple(common, schema, schema, annotations)
    .map(([more, input, output, hints]) => [
      ...more,
      member('inputSchema', input),
      member('outputSchema', output),
      member('annotations', hints),
    ]);
  const prompt = fc
    .tuple(common, objectWith([member('name', '"x"')], ['description', 'required']).map(print))
    .map(([more, argument]) => [...more, member('arguments', `[ ${argument} ]`)]);
  const resource = fc
    .tuple(common, annotations)
    .map(([more, hints]) => [...more, member('annotations', hints)]);
  const uriAt = (key: string, turn: number): Member =>
    member(key, turn === 0 ? uriOf(server) : `"${server}:\\u002f${turn}${key === 'uri' ? '' : '/{x}'}"`);
  return {
    tools: make((turn) => [nameOf(turn)], tool, true),
    prompts: make((turn) => [nameOf(turn)], prompt, true),
    resources: make((turn) => [nameOf(turn), uriAt('uri', turn)], resource, false),
    resourceTemplates: make((turn) => [nameOf(turn), uriAt('uriTemplate', turn + 1)], resource, false),
  };
}

export function listingOf({ tools, prompts, resources, resourceTemplates }: Definitions): RawListing {
  const texts = (all: readonly Definition[]): string[] =>
    all.map(({ text }) => text.replaceAll(/[\r\n]/g, ' '));
  return {
    tools: texts(tools),
    prompts: texts(prompts),
    resources: texts(resources),
    resourceTemplates: texts(resourceTemplates),
  };
}
