import type { ClientDialect } from '../client-dialect.ts';
import { commonServer, toolFilter } from '../entry.ts';
import { readServers } from '../read-servers.ts';
import { tableIn, textsIn } from '../values.ts';

/** `type: "local"`, and `tools` as the list of tools that may be used. */
export const copilot: ClientDialect = {
  id: 'copilot',
  name: 'GitHub Copilot CLI',
  files: [{ name: 'mcp-config.json' }],
  read: (root, context) =>
    readServers(tableIn(root, 'mcpServers') ?? [], context, (entry) => ({
      ...commonServer(entry, context),
      ...toolFilter(textsIn(entry, 'tools'), undefined),
    })),
};
