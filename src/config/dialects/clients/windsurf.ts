import type { ClientDialect } from '../client-dialect.ts';
import { commonServer, toolFilter } from '../entry.ts';
import { envVariable, notation } from '../notation.ts';
import { readServers } from '../read-servers.ts';
import { tableIn, textsIn } from '../values.ts';

/** Remote servers stand in `serverUrl`; only `${env:X}` is a variable. */
export const windsurf: ClientDialect = {
  id: 'windsurf',
  name: 'Windsurf',
  files: [{ name: 'mcp_config.json' }],
  read: (root, context) => {
    const write = notation(/\$\{env:([^{}]+)\}/, ([, name = '']) => envVariable(context, name, { text: '' }));
    return readServers(tableIn(root, 'mcpServers') ?? [], context, (entry) => ({
      ...commonServer(entry, context, { write, urlKey: 'serverUrl' }),
      ...(entry.get('disabled') === true ? { disabled: true } : {}),
      ...toolFilter(undefined, textsIn(entry, 'disabledTools')),
    }));
  },
};
