import type { PlainValue } from '../../text/tree.ts';
import type { ClientContext, ClientDialect, ClientTable } from '../client-dialect.ts';
import { commonServer } from '../entry.ts';
import { envVariable, type Notation, notation } from '../notation.ts';
import { readServers } from '../read-servers.ts';
import { tableIn, textsIn } from '../values.ts';

/**
 * `.mcp.json` of a project, and `~/.claude.json`: there the servers of the project that the proxy runs in
 * (`projects[cwd]`) win over those of the user.
 *
 * An unset `${VAR}` stays as it is (Claude Code 2.1); `$VAR` is never a variable.
 */
export const claudeCode: ClientDialect = {
  id: 'claude-code',
  name: 'Claude Code',
  files: [{ name: '.mcp.json' }, { name: '.claude.json' }],
  hasShape: (root) => root.has('mcpServers') && tableIn(root, 'projects') !== undefined,
  read: (root, context) => {
    const project = projectOf(root, context);
    const off = new Set(project === undefined ? [] : textsIn(project, 'disabledMcpServers'));
    const entries = new Map<string, PlainValue>([
      ...(tableIn(root, 'mcpServers') ?? []),
      ...((project && tableIn(project, 'mcpServers')) ?? []),
    ]);
    const write = shellNotation(context);
    return readServers(entries, context, (entry, name) => ({
      ...commonServer(entry, context, { write }),
      ...(off.has(name) ? { disabled: true } : {}),
    }));
  },
};

function projectOf(root: ClientTable, context: ClientContext): ClientTable | undefined {
  const projects = tableIn(root, 'projects');
  return projects && tableIn(projects, context.cwd);
}

/** `${VAR}` and `${VAR:-default}`. */
function shellNotation(context: ClientContext): Notation {
  return notation(/\$\{([A-Za-z_]\w*)(?::-([^}]*))?\}/, ([, name = '', fallback]) => {
    if (fallback === undefined) return envVariable(context, name, undefined);
    const set = envVariable(context, name, { text: fallback });
    if (set === undefined || 'text' in set || /[${}]/.test(fallback)) return set;
    return { variable: `\${${name}:-${fallback}}`, value: set.value === '' ? fallback : set.value };
  });
}
