import type { ClientContext, ClientDialect, ClientTable } from '../client-dialect.ts';
import { commonServer, remoteEntry, timeouts, toolFilter } from '../entry.ts';
import { envVariable, type Notation, notation } from '../notation.ts';
import { readServers } from '../read-servers.ts';
import { numberIn, tableIn, textIn, textMapIn, textsIn } from '../values.ts';

/**
 * `httpUrl` is Streamable HTTP, `url` is SSE. `timeout` is in milliseconds. `mcp.allowed` and `mcp.excluded`
 * switch servers off; `excludeTools` wins over `includeTools`. An unset variable stays as it is.
 */
export const gemini: ClientDialect = {
  id: 'gemini',
  name: 'Gemini CLI',
  files: [{ name: 'settings.json', folder: '.gemini' }],
  hasShape: (root) => {
    const settings = tableIn(root, 'mcp');
    return (
      root.has('mcpServers') &&
      settings !== undefined &&
      (settings.has('allowed') || settings.has('excluded'))
    );
  },
  read: (root, context) => {
    const settings = tableIn(root, 'mcp') ?? new Map();
    const allowed = textsIn(settings, 'allowed');
    const excluded = textsIn(settings, 'excluded') ?? [];
    const write = dollarNotation(context);
    return readServers(tableIn(root, 'mcpServers') ?? [], context, (entry, name) => ({
      ...server(entry, context, write),
      ...timeouts({ callMs: numberIn(entry, 'timeout') }),
      ...(excluded.includes(name) || allowed?.includes(name) === false ? { disabled: true } : {}),
      ...toolFilter(names(textsIn(entry, 'includeTools')), names(textsIn(entry, 'excludeTools'))),
    }));
  },
};

function server(
  entry: ClientTable,
  context: ClientContext,
  write: Notation,
): ReturnType<typeof commonServer> {
  const httpUrl = textIn(entry, 'httpUrl');
  if (httpUrl !== undefined) return remoteEntry('http', httpUrl, textMapIn(entry, 'headers'), write);
  return commonServer(entry, context, { write, urlType: 'sse' });
}

/** `tool(arguments)` names a tool and the arguments it may have; only the tool counts here. */
function names(list: readonly string[] | undefined): readonly string[] | undefined {
  return list?.map((name) => name.replace(/\(.*$/s, ''));
}

/** `$VAR`, `${VAR}` and `${VAR:-default}`. */
function dollarNotation(context: ClientContext): Notation {
  return notation(/\$(?:([A-Za-z_]\w*)|\{([A-Za-z_]\w*)(?::-([^}]*))?\})/, ([, bare, braced, fallback]) =>
    envVariable(context, bare ?? braced ?? '', fallback === undefined ? undefined : { text: fallback }),
  );
}
