import { parse, patch } from '@decimalturn/toml-patch';
import { sameValue } from './same-value.ts';
import { isObject } from '../../json/json.ts';
import { changed, type Edit, noValid, pruned, type TextEditor } from './text-editor.ts';
import { putTable, takeTable } from './toml-text.ts';

/** TOML. Tables with a headline of their own come and go as lines; the library does what is written otherwise. */
export const tomlEditor: TextEditor = {
  parse(text) {
    try {
      return parse(text) as unknown;
    } catch (error) {
      return noValid('TOML', error);
    }
  },
  edit: (text, edits) => edits.reduce(edited, text),
};

function edited(text: string, edit: Edit): string {
  const { path, value } = edit;
  const wanted = changed(parse(text), edit);
  const keys = path.filter((key) => typeof key === 'string');
  if (keys.length === path.length && (value === undefined || isObject(value))) {
    const lines = value === undefined ? takeTable(text, keys) : putTable(text, keys, value);
    if (says(lines, edit, wanted)) return lines;
  }
  return patch(text, wanted);
}

function says(text: string, edit: Edit, wanted: unknown): boolean {
  try {
    return sameValue(pruned(parse(text), edit), pruned(wanted, edit));
  } catch {
    return false;
  }
}
