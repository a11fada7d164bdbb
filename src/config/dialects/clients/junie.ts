import type { ClientDialect } from '../client-dialect.ts';
import { commonServer } from '../entry.ts';
import { readServers } from '../read-servers.ts';
import { tableIn } from '../values.ts';

/** JetBrains Junie, and Air beside it. */
export const junie: ClientDialect = {
  id: 'junie',
  name: 'JetBrains Junie',
  files: [
    { name: 'mcp.json', folder: '.junie/mcp' },
    { name: 'mcp.json', folder: '.junie' },
    { name: 'mcp.json', folder: '.air' },
  ],
  read: (root, context) =>
    readServers(tableIn(root, 'mcpServers') ?? [], context, (entry) => commonServer(entry, context)),
};
