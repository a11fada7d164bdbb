/** Fills in defaults, and lays what was written in several places over one another. */
import type { AnyReader, Reader } from './reader.ts';

/**
 * The layers over one another, later ones over earlier ones, and all of them over the defaults: sections key by key,
 * tables entry by entry; a list or a plain value counts as a whole.
 */
export function fill<Input, Filled>(
  reader: Reader<Input, Filled>,
  ...layers: readonly NoInfer<Input>[]
): Filled {
  return filledFrom(reader, layers) as Filled;
}

function filledFrom(reader: AnyReader, layers: readonly unknown[]): unknown {
  const { look } = reader;
  switch (look.kind) {
    case 'section': {
      const filled: Record<string, unknown> = {};
      for (const [name, { reader: inner, byDefault }] of Object.entries(look.keys)) {
        const values = given([byDefault, ...layers.map((layer) => (layer as typeof filled)[name])]);
        if (values.length > 0) filled[name] = filledFrom(inner, values);
      }
      return filled;
    }
    case 'table': {
      const tables = layers as readonly ReadonlyMap<string, unknown>[];
      const names = new Set(tables.flatMap((table) => [...table.keys()]));
      return new Map(
        [...names].map((name) => [name, filledFrom(look.of, given(tables.map((table) => table.get(name))))]),
      );
    }
    case 'list':
      return (layers.at(-1) as readonly unknown[]).map((item) => filledFrom(look.of, [item]));
    default:
      return layers.at(-1);
  }
}

function given(values: readonly unknown[]): readonly unknown[] {
  return values.filter((value) => value !== undefined);
}
