import type { ClientDialect, ClientTable } from '../client-dialect.ts';
import { commonServer } from '../entry.ts';
import { editorNotation, type Replacement } from '../notation.ts';
import { readServers } from '../read-servers.ts';
import { asTable, tableIn, textIn } from '../values.ts';

/**
 * `servers` and `inputs`. An input is asked for by the editor: here its `default` answers, or the server is
 * skipped. A remote server is tried as Streamable HTTP, then as SSE.
 */
export const vscode: ClientDialect = {
  id: 'vscode',
  name: 'VS Code',
  files: [
    { name: 'mcp.json', folder: '.vscode' },
    { name: 'mcp.json', folder: 'Code/User' },
    { name: 'mcp.json', folder: 'Code - Insiders/User' },
  ],
  hasShape: (root) => tableIn(root, 'servers') !== undefined && !root.has('mcpServers'),
  read: (root, context) => {
    const defaults = inputDefaults(root);
    const write = editorNotation(context, (id) => defaults.get(id));
    return readServers(tableIn(root, 'servers') ?? [], context, (entry) => {
      const server = commonServer(entry, context, { write });
      return server.type === 'http' ? { ...server, type: 'remote' } : server;
    });
  },
};

function inputDefaults(root: ClientTable): ReadonlyMap<string, Replacement> {
  const inputs = root.get('inputs');
  const answers = new Map<string, Replacement>();
  for (const input of Array.isArray(inputs) ? inputs : []) {
    const table = asTable(input);
    const id = table && textIn(table, 'id');
    const answer = table && textIn(table, 'default');
    if (id !== undefined && answer !== undefined) answers.set(id, { text: answer });
  }
  return answers;
}
