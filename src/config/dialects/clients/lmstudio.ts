import type { ClientDialect } from '../client-dialect.ts';
import { commonServer } from '../entry.ts';
import { readServers } from '../read-servers.ts';
import { tableIn } from '../values.ts';

/** Cursor's notation without its variables. */
export const lmstudio: ClientDialect = {
  id: 'lmstudio',
  name: 'LM Studio',
  files: [
    { name: 'mcp.json', folder: '.lmstudio' },
    { name: 'mcp.json', folder: 'lm-studio' },
  ],
  read: (root, context) =>
    readServers(tableIn(root, 'mcpServers') ?? [], context, (entry) => commonServer(entry, context)),
};
