import type { ClientContext, ClientDialect, ClientTable } from '../client-dialect.ts';
import { localEntry, remoteEntry, seconds, timeouts, toolFilter } from '../entry.ts';
import { envVariable, literal } from '../notation.ts';
import { readServers, SkipServer } from '../read-servers.ts';
import { asTable, numberIn, tableIn, textIn, textMapIn, textsIn } from '../values.ts';
import type { PlainValue } from '../../text/tree.ts';

/** `[mcp_servers.NAME]`. Nothing is expanded: some keys name variables instead. Timeouts are in seconds. */
export const codex: ClientDialect = {
  id: 'codex',
  name: 'Codex',
  files: [{ name: 'config.toml', folder: '.codex' }],
  hasShape: (root) => tableIn(root, 'mcp_servers') !== undefined,
  read: (root, context) =>
    readServers(tableIn(root, 'mcp_servers') ?? [], context, (entry) => ({
      ...server(entry, context),
      ...timeouts({
        connectMs: seconds(numberIn(entry, 'startup_timeout_sec')) ?? numberIn(entry, 'startup_timeout_ms'),
        callMs: seconds(numberIn(entry, 'tool_timeout_sec')),
      }),
      ...(entry.get('enabled') === false ? { disabled: true } : {}),
      ...toolFilter(textsIn(entry, 'enabled_tools'), textsIn(entry, 'disabled_tools')),
    })),
};

function server(entry: ClientTable, context: ClientContext): ReturnType<typeof localEntry> {
  const command = textIn(entry, 'command');
  if (command !== undefined) {
    const { env, ...local } = localEntry(
      { command, args: textsIn(entry, 'args'), env: textMapIn(entry, 'env'), cwd: textIn(entry, 'cwd') },
      context,
    );
    const passed = variableNames(entry.get('env_vars')).map((name) => [name, name] as const);
    return { ...local, env: new Map([...references(passed, context), ...(env ?? [])]) };
  }
  const url = textIn(entry, 'url');
  if (url === undefined) throw new SkipServer('it has neither a command nor a url');
  const { headers, ...remote } = remoteEntry('http', url, textMapIn(entry, 'http_headers'));
  const token = textIn(entry, 'bearer_token_env_var');
  const bearer = token === undefined ? [] : references([['Authorization', token]], context, 'Bearer ');
  const named = references(textMapIn(entry, 'env_http_headers'), context);
  return { ...remote, headers: new Map([...(headers ?? []), ...named, ...bearer]) };
}

/** Names, or tables that hold a name. */
function variableNames(value: PlainValue | undefined): readonly string[] {
  if (!Array.isArray(value)) return [];
  return value.flatMap((item: PlainValue) => {
    const table = asTable(item);
    return (typeof item === 'string' ? item : table && textIn(table, 'name')) ?? [];
  });
}

/** A header whose variable is not set is left out, as Codex does. */
function references(
  names: Iterable<readonly [string, string]>,
  context: ClientContext,
  before = '',
): (readonly [string, string])[] {
  return [...names].flatMap(([key, name]) => {
    const found = envVariable(context, name, undefined);
    return found !== undefined && 'variable' in found
      ? [[key, literal(before) + found.variable] as const]
      : [];
  });
}
