/** Changes values in the text of a config and leaves the rest as it is: comments, order, blanks. */
import { asText } from '../../core/text-encoding.ts';
import { sameValue } from './same-value.ts';
import { changed, type Edit, pruned, type TextEditor } from './text-editor.ts';

export type TextFormat = 'json' | 'yaml' | 'toml';

/** @throws Error where the text cannot be parsed, or where the change would touch anything else. */
export async function editText(text: string, format: TextFormat, edits: readonly Edit[]): Promise<string> {
  const editor = await editorOf(format);
  const bom = text.startsWith('\uFEFF') ? '\uFEFF' : '';
  const before = text.slice(bom.length);
  const wanted = edits.reduce(changed, orEmpty(editor.parse(before)));
  const after = editor.edit(before, edits);
  // The libraries have their limits: what they made is read again before it replaces a user's file.
  const [is, should] = [orEmpty(editor.parse(after)), wanted].map((root) => edits.reduce(pruned, root));
  if (!sameValue(is, should)) throw new Error('the file is written in a way that cannot be changed safely');
  return bom + after;
}

/** @throws Error where it is none. */
export async function parseText(text: string, format: TextFormat): Promise<unknown> {
  const editor = await editorOf(format);
  return orEmpty(editor.parse(asText(text).replace(/^\uFEFF/, '')));
}

export function textFormatOf(file: string): TextFormat {
  if (/\.ya?ml$/i.test(file)) return 'yaml';
  return /\.toml$/i.test(file) ? 'toml' : 'json';
}

/** Loaded when it is needed. */
async function editorOf(format: TextFormat): Promise<TextEditor> {
  if (format === 'json') return (await import('./edit-json.ts')).jsonEditor;
  if (format === 'yaml') return (await import('./edit-yaml.ts')).yamlEditor;
  return (await import('./edit-toml.ts')).tomlEditor;
}

function orEmpty(value: unknown): unknown {
  return value ?? {};
}
