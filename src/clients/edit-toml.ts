import { parse, patch } from '@decimalturn/toml-patch';
import { changed, noValid, type TextEditor } from './text-editor.ts';

export const tomlEditor: TextEditor = {
  parse(text) {
    try {
      return parse(text) as unknown;
    } catch (error) {
      return noValid('TOML', error);
    }
  },
  edit: (text, edits) => patch(text, edits.reduce<unknown>(changed, parse(text))),
};
