import { isMap, isSeq, parseDocument } from 'yaml';
import { noValid, type TextEditor } from './text-editor.ts';

export const yamlEditor: TextEditor = {
  parse(text) {
    const document = parseDocument(text, { logLevel: 'silent' });
    const [first] = document.errors;
    if (first) noValid('YAML', new Error(`line ${first.linePos?.[0].line ?? 1}`));
    return document.toJS({ maxAliasCount: 100 }) as unknown;
  },
  edit(text, edits) {
    const document = parseDocument(text, { logLevel: 'silent' });
    for (const { path, value } of edits) {
      if (value === undefined) document.deleteIn(path);
      else document.setIn(path, document.createNode(value));
      // What was empty before is written on one line; what is put in now is not.
      for (let length = 0; length < path.length; length++) {
        const holder = document.getIn(path.slice(0, length), true);
        if ((isMap(holder) || isSeq(holder)) && holder.items.length <= 1) holder.flow = false;
      }
    }
    return document.toString({ lineWidth: 0 });
  },
};
