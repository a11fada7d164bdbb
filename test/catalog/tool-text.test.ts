import { describe, expect, test } from 'vitest';
import { Json } from '../../src/json/json.ts';
import { build, entry, resource, tool } from './builders.ts';

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

  test('differs in its name and title only where the name changes', () => {
    const own = textOf(ODD).replace('"s__t"', '"t"').replace(',"title":"s: t"', '');
    expect(own.replace(/ \}$/, '}')).toBe(ODD.replace(/ \}$/, '}'));
  });

  test.each([
    ['create_issue', {}, 'git hub: create issue'],
    ['createIssue', {}, 'git hub: create Issue'],
    ['getHTTPPage', {}, 'git hub: get HTTP Page'],
    ['files.read-all/v2', {}, 'git hub: files read all v2'],
    ['検索', {}, 'git hub: 検索'],
    ['__', {}, 'git hub: __'],
    ['create_issue', { title: 'New issue' }, 'git hub: New issue'],
    ['create_issue', { annotations: { title: 'New one' } }, 'git hub: New one'],
    ['create_issue', { title: ' ', annotations: { title: '' } }, 'git hub: create issue'],
  ])('of a renamed one, %s with %j, is given the title "%s"', (name, more, title) => {
    const prompts = [Json.of({ name, ...(more as { title?: string }) })];
    const parts = { namespace: 'git_hub', tools: [tool(name, more)], prompts };
    const { lists } = build([entry('git hub', parts)]);
    expect(JSON.parse(lists.tools.text)).toMatchObject([{ ...more, title }]);
    if (!('annotations' in more)) expect(JSON.parse(lists.prompts.text)).toMatchObject([{ title }]);
  });

  test('has its own title, or none, where it keeps its name', () => {
    const tools = [tool('own', { title: 'Own' }), tool('none')];
    const { lists } = build([entry('s', { tools, prompts: tools })], { prefix: false });
    for (const { text } of [lists.tools, lists.prompts])
      expect((JSON.parse(text) as { title?: string }[]).map(({ title }) => title)).toEqual([
        'Own',
        undefined,
      ]);
  });

  test('keeps the last of two names, as JSON has it', () => {
    expect(textOf('{"name":"first","inputSchema":{"type":"object"},"name":"second"}')).toBe(
      '{"name":"s__second","inputSchema":{"type":"object"},"title":"s: second"}',
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
