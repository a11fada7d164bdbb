import type { ClientDialect } from '../client-dialect.ts';
import { commonServer, seconds, timeouts } from '../entry.ts';
import { readServers } from '../read-servers.ts';
import { numberIn, tableIn } from '../values.ts';

/** `timeout` is in seconds. */
export const cline: ClientDialect = {
  id: 'cline',
  name: 'Cline',
  files: [{ name: 'cline_mcp_settings.json' }],
  read: (root, context) =>
    readServers(tableIn(root, 'mcpServers') ?? [], context, (entry) => ({
      ...commonServer(entry, context),
      ...timeouts({ callMs: seconds(numberIn(entry, 'timeout')) }),
      ...(entry.get('disabled') === true ? { disabled: true } : {}),
    })),
};
