import type { ClientContext, ClientDialect, ClientTable } from '../client-dialect.ts';
import { localEntry, remoteEntry, timeouts } from '../entry.ts';
import { envVariable, type Notation, notation } from '../notation.ts';
import { readServers, SkipServer } from '../read-servers.ts';
import { numberIn, tableIn, textIn, textMapIn, textsIn } from '../values.ts';

/**
 * Version 1 has the servers right under `mcp` and `enabled: false`, version 2 under `mcp.servers` and
 * `disabled: true`. The command is one array. Timeouts are in milliseconds; version 1's is for connecting.
 */
export const opencode: ClientDialect = {
  id: 'opencode',
  name: 'opencode',
  files: [{ name: 'opencode.json' }, { name: 'opencode.jsonc' }],
  hasShape: (root) => {
    const schema = textIn(root, '$schema') ?? '';
    return schema.includes('opencode.ai') || (tableIn(root, 'mcp') !== undefined && !root.has('mcpServers'));
  },
  read: (root, context) => {
    const mcp = tableIn(root, 'mcp') ?? new Map();
    const write = braceNotation(context);
    return readServers(serversOf(mcp), context, (entry) => {
      const off = entry.get('enabled') === false || entry.get('disabled') === true;
      return { ...server(entry, context, write), ...times(entry), ...(off ? { disabled: true } : {}) };
    });
  },
};

/** A server of version 1 may itself be named "servers". */
function serversOf(mcp: ClientTable): ClientTable {
  const servers = tableIn(mcp, 'servers');
  return servers === undefined || servers.has('command') || servers.has('url') ? mcp : servers;
}

function server(entry: ClientTable, context: ClientContext, write: Notation): ReturnType<typeof localEntry> {
  const [command, ...args] = textsIn(entry, 'command') ?? [textIn(entry, 'command') ?? ''];
  if (command !== undefined && command !== '') {
    const env = new Map([...textMapIn(entry, 'env'), ...textMapIn(entry, 'environment')]);
    return localEntry({ command, args, env, cwd: textIn(entry, 'cwd') }, context, write);
  }
  const url = textIn(entry, 'url');
  if (url === undefined) throw new SkipServer('it has neither a command nor a url');
  return remoteEntry('remote', url, textMapIn(entry, 'headers'), write);
}

function times(entry: ClientTable): ReturnType<typeof timeouts> {
  const both = tableIn(entry, 'timeout');
  if (both === undefined) return timeouts({ connectMs: numberIn(entry, 'timeout') });
  return timeouts({ connectMs: numberIn(both, 'startup'), callMs: numberIn(both, 'request') });
}

/** `{env:X}` (empty if it is not set) and `{file:path}`. */
function braceNotation(context: ClientContext): Notation {
  return notation(/\{(env|file):([^{}]+)\}/, ([, kind, name = '']) =>
    kind === 'env'
      ? envVariable(context, name, { text: '' })
      : { variable: `\${file:${name.replace(/^~(?=\/)/, '${userHome}')}}`, value: '' },
  );
}
