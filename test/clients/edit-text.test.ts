/** Laws of editing in place. */
import fc from 'fast-check';
import { parse as parseYaml } from 'yaml';
import { describe, expect, test } from 'vitest';
import { editText, parseText, type TextFormat } from '../../src/clients/edit-text.ts';
import { changed, type Edit } from '../../src/clients/text-editor.ts';

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
        expect(plain(await parseText(without, format))).toEqual(
          plain(changed(value, { ...put, value: undefined })),
        );
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

function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value)) as unknown;
}
