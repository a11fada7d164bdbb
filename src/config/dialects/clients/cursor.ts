import type { ClientDialect } from '../client-dialect.ts';
import { commonServer } from '../entry.ts';
import { editorNotation } from '../notation.ts';
import { readServers } from '../read-servers.ts';
import { tableIn } from '../values.ts';

export const cursor: ClientDialect = {
  id: 'cursor',
  name: 'Cursor',
  files: [{ name: 'mcp.json', folder: '.cursor' }],
  read: (root, context) => {
    const write = editorNotation(context);
    return readServers(tableIn(root, 'mcpServers') ?? [], context, (entry) =>
      commonServer(entry, context, { write }),
    );
  },
};
