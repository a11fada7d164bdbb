/**
 * A search engine that knows nothing, for `run.mjs`: over stdio, with one tool. It writes every search to
 * `$EXAMPLE_FOLDER/NAME.asked` and its process id to `NAME.pid`, and falls silent while there is a file `$EXAMPLE_FOLDER/NAME.silent`.
 */
import { appendFileSync, existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const [name] = process.argv.slice(2);
const folder = process.env.EXAMPLE_FOLDER;
const search = {
  name: 'search',
  description: `Searches as "${name}" does`,
  inputSchema: { type: 'object', properties: { query: { type: 'string' } }, required: ['query'] },
  annotations: { readOnlyHint: true },
};

writeFileSync(join(folder, `${name}.pid`), String(process.pid));
createInterface({ input: process.stdin })
  .on('line', (line) => answer(JSON.parse(line)))
  .on('close', () => process.exit(0));

function answer({ id, method, params }) {
  if (id === undefined) return;
  const results = {
    initialize: () => ({
      protocolVersion: params.protocolVersion,
      capabilities: { tools: {} },
      serverInfo: { name, version: '1.0.0' },
    }),
    'tools/list': () => ({ tools: [search] }),
    'tools/call': () => found(params.arguments.query),
    ping: () => ({}),
  };
  const result = results[method]?.();
  const error = { code: -32601, message: `there is no ${method} here` };
  if (result !== 'silent')
    process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', id, ...(result ? { result } : { error }) })}\n`);
}

function found(query) {
  appendFileSync(join(folder, `${name}.asked`), `${query}\n`);
  if (existsSync(join(folder, `${name}.silent`))) return 'silent';
  const hits = [1, 2].map((rank) => ({
    url: `https://${name}.example/${encodeURIComponent(query)}/${rank}`,
  }));
  return { content: [{ type: 'text', text: `${name} found "${query}"` }], structuredContent: { hits } };
}
