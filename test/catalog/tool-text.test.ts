import { describe, expect, test } from 'vitest';
import { Json } from '../../src/core/json.ts';
import { build, entry, resource } from './builders.ts';

const ODD =
  '{ "zeta":1.0, "2":"two", "1":"one", "name":"t", "inputSchema":{"type":"object","maximum":12345678901234567890,' +
  ' "x":1e400}, "annotations" : {"odd":[1.50]},\n "unknown":{"b":1,"a":2} }';

function textOf(text: string, rules = {}, options = {}): string {
  const catalog = build([entry('s', { tools: [Json.fromText(text)], rules })], options);
  return catalog.lists.tools.items[0] ?? '';
}

describe('the text of a tool', () => {
  test('is its own to the letter where its name stays', () => {
    expect(textOf(ODD, {}, { prefix: false })).toBe(ODD);
  });

  test('differs in its name only where that changes', () => {
    expect(textOf(ODD).replace('"s__t"', '"t"').replace(/ \}$/, '}')).toBe(ODD.replace(/ \}$/, '}'));
  });

  test('keeps the last of two names, as JSON has it', () => {
    expect(textOf('{"name":"first","inputSchema":{"type":"object"},"name":"second"}')).toBe(
      '{"name":"s__second","inputSchema":{"type":"object"}}',
    );
  });

  test("takes the operator's title, description and annotations, and nothing else from them", () => {
    const override = new Map([
      ['t', { title: 'T', description: 'says "hi"', annotations: { idempotentHint: false } }],
    ]);
    const text = textOf(ODD, { override });
    expect(text).toContain('"annotations" : {"odd":[1.50],"idempotentHint":false}');
    expect(text).toContain('12345678901234567890');
    expect(JSON.parse(text)).toMatchObject({ name: 's__t', title: 'T', description: 'says "hi"' });
    const plain = textOf('{"name":"t","inputSchema":{"type":"object"}}', { override });
    expect(JSON.parse(plain)).toMatchObject({ annotations: { idempotentHint: false } });
  });

  test('says whose it is only where the operator wants that, beside what its _meta has', () => {
    const own = '{"name":"x.y","inputSchema":{"type":"object"},"_meta":{"a/b":{"n":1.0}}}';
    expect(textOf(own)).toContain('"_meta":{"a/b":{"n":1.0}}');
    expect(textOf(own, {}, { origin: true })).toContain(
      '"_meta":{"a/b":{"n":1.0},"switchyard/server":"s","switchyard/originalName":"x.y"}',
    );
    const without = textOf('{"name":"t","inputSchema":{"type":"object"}}', {}, { origin: true });
    expect(without).toContain('"_meta":{"switchyard/server":"s","switchyard/originalName":"t"}');
  });

  test('names a UI resource by the URI that clients see, in both forms', () => {
    const uiTool = Json.fromText(
      '{"name":"t","inputSchema":{"type":"object"},"_meta":{"ui":{"resourceUri":"ui://app/main","csp":{"2":1,"1":1}},"ui/resourceUri":"ui://app/main"}}',
    );
    const parts = { tools: [uiTool], resources: [resource('ui://app/main')] };
    const catalog = build([entry('a', parts), entry('b', parts)]);
    expect(catalog.lists.tools.items[0]).toContain('"_meta":{"ui":{"resourceUri":"ui://app/main"');
    expect(catalog.lists.tools.items[1]).toContain(
      '"_meta":{"ui":{"resourceUri":"ui://b/app/main","csp":{"2":1,"1":1}},"ui/resourceUri":"ui://b/app/main"}',
    );
    expect(catalog.resources.get('ui://b/app/main')?.targets).toEqual([
      { server: 'b', originalName: 'ui://app/main' },
    ]);
  });

  test('settles UI resources that tools name but nobody lists', () => {
    const tools = [
      Json.of({ name: 't', inputSchema: { type: 'object' }, _meta: { ui: { resourceUri: 'ui://app' } } }),
    ];
    const catalog = build([entry('a', { tools }), entry('b', { tools })]);
    expect(catalog.lists.tools.items[1]).toContain('"ui://b/app"');
    expect(catalog.resources.get('ui://app')?.targets[0]?.server).toBe('a');
    expect(catalog.resources.get('ui://b/app')?.targets[0]).toEqual({
      server: 'b',
      originalName: 'ui://app',
    });
    expect(catalog.lists.resources.items).toEqual([]);
  });

  test('a list is one JSON array, made once', () => {
    const { tools } = build([entry('s', { tools: ['a', 'b'] })]).lists;
    expect(tools.text).toBe(`[${tools.items.join(',')}]`);
    expect(build([]).lists.prompts.text).toBe('[]');
  });
});
