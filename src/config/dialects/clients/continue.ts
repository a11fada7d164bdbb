import type { PlainValue } from '../../text/tree.ts';
import type { ClientContext, ClientDialect } from '../client-dialect.ts';
import { commonServer } from '../entry.ts';
import { envVariable, type Notation, notation } from '../notation.ts';
import { readServers, SkipServer } from '../read-servers.ts';
import { asTable, textIn } from '../values.ts';

/** `mcpServers` is a list of entries with a `name`. A copied JSON of another client has a table there. */
export const continueDialect: ClientDialect = {
  id: 'continue',
  name: 'Continue',
  files: [
    { name: 'config.yaml', folder: '.continue' },
    { name: '*', folder: '.continue/mcpServers' },
  ],
  hasShape: (root) => Array.isArray(root.get('mcpServers')),
  read: (root, context) => {
    const write = secretNotation(context);
    return readServers(namedEntries(root.get('mcpServers')), context, (entry) =>
      commonServer(entry, context, { write }),
    );
  },
};

function namedEntries(list: PlainValue | undefined): Iterable<readonly [string, PlainValue]> {
  if (!Array.isArray(list)) return asTable(list) ?? [];
  return list.map((item: PlainValue, index) => {
    const table = asTable(item);
    return [(table && textIn(table, 'name')) ?? `mcpServers[${index}]`, item] as const;
  });
}

/** A secret may also stand in the environment under its name; an input is given in Continue only. */
function secretNotation(context: ClientContext): Notation {
  return notation(/\$\{\{\s*(secrets|inputs)\.([\w.-]+)\s*\}\}/, ([, kind = '', name = '']) => {
    const found = kind === 'secrets' ? envVariable(context, name, undefined) : undefined;
    if (found !== undefined) return found;
    throw new SkipServer(
      kind === 'secrets'
        ? `it needs the secret "${name}". Set it as a variable of the environment`
        : `it needs the input "${name}", which only Continue can answer`,
    );
  });
}
