import type { ClientDialect } from '../client-dialect.ts';
import { commonServer } from '../entry.ts';
import { readServers } from '../read-servers.ts';
import { tableIn } from '../values.ts';

/** Expands nothing: `${AUTH}` in an argument is for the program that gets it. */
export const claudeDesktop: ClientDialect = {
  id: 'claude-desktop',
  name: 'Claude Desktop',
  files: [{ name: 'claude_desktop_config.json' }],
  read: (root, context) =>
    readServers(tableIn(root, 'mcpServers') ?? [], context, (entry) => commonServer(entry, context)),
};
