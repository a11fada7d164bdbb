/** Laws of editing in place. */
import fc from 'fast-check';
import { parse as parseYaml } from 'yaml';
import { describe, expect, test } from 'vitest';
import { editText, parseText, type TextFormat } from '../../../src/clients/edit/edit-text.ts';
import { changed, type Edit } from '../../../src/clients/edit/text-editor.ts';

const key = fc.stringMatching(/^[A-Za-z][\w-]{0,8}$/);
const entry = fc.record({
  command: fc.string({ maxLength: 12 }),
  args: fc.array(fc.string({ maxLength: 8 }), { maxLength: 3 }),
});
const file = fc.record({
  title: fc.string({ maxLength: 10 }),
  mcpServers: fc.dictionary(key, entry, { maxKeys: 4 }),
});

const WRITE: Readonly<Record<TextFormat, (value: unknown) => Promise<string>>> = {
  json: (value) => Promise.resolve(JSON.stringify(value, undefined, 2)),
  yaml: async (value) => (await import('yaml')).stringify(value),
  toml: async (value) => (await import('smol-toml')).stringify(value),
};

describe.each<TextFormat>(['json', 'yaml', 'toml'])('%s', (format) => {
  test('after a change the text says what was wanted, and taking it back says what it said before', async () => {
    await fc.assert(
      fc.asyncProperty(file, key, entry, async (value, name, added) => {
        const text = await WRITE[format](value);
        const put: Edit = { path: ['mcpServers', name], value: added };
        const after = await editText(text, format, [put]);
        expect(plain(await parseText(after, format))).toEqual(plain(changed(value, put)));
        const without = await editText(after, format, [{ ...put, value: undefined }]);
        const rest = { mcpServers: {}, ...(plain(await parseText(without, format)) as object) };
        expect(rest).toEqual(plain(changed(value, { ...put, value: undefined })));
      }),
      { numRuns: 50 },
    );
  });

  test('a text that is none is refused without a word of it', async () => {
    const bad = { json: '{ "a": planted-secret', yaml: 'a: [planted-secret', toml: 'a = planted-secret' }[
      format
    ];
    await expect(editText(bad, format, [])).rejects.toThrow(/it is no valid (JSON|YAML|TOML)/);
    await expect(editText(bad, format, [])).rejects.not.toThrow('planted-secret');
  });
});

test('line ends, indents and a byte order mark stay as they are', async () => {
  const text = '\uFEFF{\r\n\t"mcpServers": {\r\n\t\t"a": {"command": "x"} // why\r\n\t}\r\n}\r\n';
  const after = await editText(text, 'json', [{ path: ['mcpServers', 'b'], value: { command: 'y' } }]);
  expect(after.startsWith('\uFEFF{\r\n\t"mcpServers"')).toBe(true);
  expect(after).toContain('// why');
  expect(after.replaceAll('\r\n', '')).not.toContain('\n');
});

test('a YAML file keeps its comments and its anchors', async () => {
  const text = '# top\nshared: &env { A: b }\nmcpServers:\n  a: { command: x, env: *env } # one\n';
  const after = await editText(text, 'yaml', [{ path: ['mcpServers', 'b'], value: { command: 'y' } }]);
  expect(after).toContain('# top');
  expect(after).toContain('*env } # one');
  expect(parseYaml(after)).toMatchObject({ mcpServers: { a: { env: { A: 'b' } }, b: { command: 'y' } } });
});

describe('what a change does not name', () => {
  const put: Edit = { path: ['mcpServers', 'new'], value: { command: 'y', args: ['1'] } };
  const take: Edit = { ...put, value: undefined };
  /** An empty table may be written otherwise than before. */
  const closed = (text: string): string => text.replace(/\{\s*(\/\/ none yet)?\s*\}/, '{$1}');

  test.each<[string, TextFormat, string]>([
    [
      'a spaced table',
      'json',
      '{\n  "mcpServers": {\n    "a": {"command":   "x"}\n  },\n  "b": [1, 2 ,3]\n}\n',
    ],
    ['a remark behind the last', 'json', '{\n  "mcpServers": {\n    "a": { "c": 1 } // why\n  }\n}\n'],
    ['a trailing comma', 'json', '{\n  "mcpServers": {\n    "a": { "c": 1 }, /* why */\n    // end\n  },\n}'],
    ['one line', 'json', '{"mcpServers":{"a":{"command":"x"}},"b":1}'],
    ['one line with a trailing comma', 'json', '{ "mcpServers": { "a": 1, }, }'],
    ['an empty table', 'json', '{ "mcpServers": {} }'],
    ['remarks alone', 'json', '{\n  "mcpServers": {\n    // none yet\n  }\n}\n'],
    ['line ends of Windows', 'json', '{\r\n\t"mcpServers": {\r\n\t\t"a": 1 // x\r\n\t}\r\n}\r\n'],
    [
      'tables with headlines',
      'toml',
      'm = "x" # m\n\n[mcpServers.a]\nc   = "x" # 1\n\n# other\n[p.deep]\nm = 1\n',
    ],
    ['nothing at its end', 'toml', '# only a remark\n\n\n'],
    ['headlines of Windows', 'toml', '[mcpServers.a]\r\nc = "x"\r\n'],
  ])('stays to the byte: %s', async (_, format, text) => {
    const after = await editText(text, format, [put]);
    expect(closed(await editText(after, format, [take]))).toBe(closed(text));
  });

  test('keeps its place: what is new comes last, and a remark stays with what it is about', async () => {
    const text = '{\n  "mcpServers": {\n    "a": {"command":   "x"} // why\n  }\n}\n';
    expect(await editText(text, 'json', [{ ...put, value: { command: 'y' } }])).toBe(
      '{\n  "mcpServers": {\n    "a": {"command":   "x"}, // why\n    "new": {\n      "command": "y"\n    }\n  }\n}\n',
    );
    const toml = 'model = "x"\n\n[mcpServers.a]\ncommand = "x"\n\n# of deep\n[profiles.deep]\nmodel = "y"\n';
    expect(await editText(toml, 'toml', [put])).toBe(
      `${toml}\n[mcpServers.new]\ncommand = "y"\nargs = [ "1" ]\n`,
    );
    expect(await editText(toml, 'toml', [{ path: ['mcpServers', 'a'], value: undefined }])).toBe(
      'model = "x"\n\n# of deep\n[profiles.deep]\nmodel = "y"\n',
    );
  });

  test('stays where a text only looks like JSON or a headline', async () => {
    const json = '{\n  "mcpServers": {\n    "a": "}, // \\" [",\n    "b": 2\n  }\n}\n';
    expect(await editText(await editText(json, 'json', [put]), 'json', [take])).toBe(json);
    const toml = '[mcpServers.a]\nt = """\n[mcpServers.new]\nx = 1\n"""\n';
    const after = await editText(toml, 'toml', [put]);
    expect(plain(await parseText(await editText(after, 'toml', [take]), 'toml'))).toEqual(
      plain(await parseText(toml, 'toml')),
    );
  });

  test('stays to the byte in any JSON file, whichever entry comes and goes', async () => {
    const style = fc.constantFrom(undefined, 2, 4, '\t');
    await fc.assert(
      fc.asyncProperty(file, key, entry, style, fc.boolean(), async (value, name, added, indent, windows) => {
        fc.pre(!Object.hasOwn(value.mcpServers, name) && Object.keys(value.mcpServers).length > 0);
        const unix = JSON.stringify(value, undefined, indent);
        const text = windows ? unix.replaceAll('\n', '\r\n') : unix;
        const one: Edit = { path: ['mcpServers', name], value: added };
        const after = await editText(text, 'json', [one]);
        expect(await editText(after, 'json', [{ ...one, value: undefined }])).toBe(text);
      }),
      { numRuns: 100 },
    );
  });
});

function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value)) as unknown;
}
