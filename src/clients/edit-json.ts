import { applyEdits, type FormattingOptions, modify, parse, type ParseError } from 'jsonc-parser';
import { type Edit, noValid, type TextEditor } from './text-editor.ts';

/** JSON with comments and trailing commas. */
export const jsonEditor: TextEditor = {
  parse(text) {
    if (text.trim() === '') return {};
    const errors: ParseError[] = [];
    const value: unknown = parse(text, errors, { allowTrailingComma: true });
    const [first] = errors;
    if (first) noValid('JSON', new Error(`line ${text.slice(0, first.offset).split('\n').length}`));
    return value;
  },
  edit(text, edits) {
    const formattingOptions = formattingOf(text);
    return edits.reduce(
      (now, { path, value }) =>
        applyEdits(
          now,
          // What is taken out leaves its neighbours as they are written.
          modify(now, [...path], value, value === undefined ? {} : { formattingOptions }),
        ),
      text.trim() === '' ? `{}${formattingOptions.eol}` : text,
    );
  },
} satisfies { edit(text: string, edits: readonly Edit[]): string; parse(text: string): unknown };

/** As the file is written. */
function formattingOf(text: string): FormattingOptions & { readonly eol: string } {
  const [, indent = '  '] = /\n([ \t]+)\S/.exec(text) ?? [];
  const insertSpaces = !indent.startsWith('\t');
  return {
    insertSpaces,
    tabSize: insertSpaces ? indent.length : 1,
    eol: text.includes('\r\n') ? '\r\n' : '\n',
  };
}
