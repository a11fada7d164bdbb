/**
 * What a stub server answers: the least that a server can do, which is to parse a message and to print an answer.
 *
 * Texts are latin1, which keeps every byte as it is, so that UTF-8 passes without being decoded. Large messages
 * are sliced, not parsed, so that the stub is never the limit.
 */

const LARGE = 65_536;
/** How far from either end of a large message its `id` stands. */
const NEAR = 400;
const TEXT = '"text":"';

/** @param {{ tools: number, era: string, behaviour: string }} options */
export function createAnswers(options) {
  const list = toolsList(options.tools);
  const modern = options.era === 'modern';
  const head = modern ? '"resultType":"complete",' : '';
  const hints = modern ? '"ttlMs":60000,"cacheScope":"public",' : '';

  /** @param {string} line @returns {string | undefined} */
  return function answer(line) {
    if (line.length > LARGE) return result(idNear(line), sliced(line));
    const { id, method, params } = JSON.parse(line);
    if (id === undefined || (method === 'tools/call' && options.behaviour === 'hang')) return undefined;
    switch (method) {
      case 'tools/call':
        return result(JSON.stringify(id), JSON.stringify(params.arguments.text));
      case 'tools/list':
        return `{"jsonrpc":"2.0","id":${id},"result":{${head}${hints}"tools":${list}}}`;
      case 'initialize':
        return modern ? unknown(id) : `{"jsonrpc":"2.0","id":${id},"result":${HELLO}}`;
      case 'server/discover':
        return modern ? `{"jsonrpc":"2.0","id":${id},"result":${DISCOVERED}}` : unknown(id);
      case 'ping':
      case 'logging/setLevel':
        return `{"jsonrpc":"2.0","id":${id},"result":{}}`;
      default:
        return unknown(id);
    }
  };

  function result(id, text) {
    return `{"jsonrpc":"2.0","id":${id},"result":{${head}"content":[{"type":"text","text":${text}}]}}`;
  }
}

function idNear(line) {
  return (/"id":(\d+|"[^"]*")/.exec(line.slice(0, NEAR)) ?? /"id":(\d+|"[^"]*")/.exec(line.slice(-NEAR)))[1];
}

/** The argument `text`, quotes included. No text of ours holds a brace, so that one is behind its end. */
function sliced(line) {
  const start = line.indexOf(TEXT) + TEXT.length - 1;
  return line.slice(start, line.indexOf('"}', start) + 1);
}

const INFO = { name: 'bench-stub', version: '1.0.0' };
const HELLO = JSON.stringify({
  protocolVersion: '2025-11-25',
  capabilities: { tools: {} },
  serverInfo: INFO,
});
const DISCOVERED = JSON.stringify({
  resultType: 'complete',
  supportedVersions: ['2026-07-28'],
  capabilities: { tools: {} },
  ttlMs: 60_000,
  cacheScope: 'public',
  _meta: { 'io.modelcontextprotocol/serverInfo': INFO },
});

function unknown(id) {
  return `{"jsonrpc":"2.0","id":${id},"error":{"code":-32601,"message":"Method not found"}}`;
}

/** `echo`, and others of the usual size around it. */
function toolsList(count) {
  const tools = Array.from({ length: count }, (_, i) => ({
    name: i === 0 ? 'echo' : `tool_${i}`,
    title: `Tool ${i}`,
    description: `Finds, reads and changes records of kind ${i}. Answers with the records as text, newest first.`,
    inputSchema: {
      type: 'object',
      properties: {
        text: { type: 'string', description: 'What to look for, in plain words' },
        limit: { type: 'integer', minimum: 1, maximum: 100, description: 'At most so many records' },
        kind: { type: 'string', enum: ['open', 'closed', 'all'] },
      },
      required: ['text'],
    },
    annotations: { readOnlyHint: true },
  }));
  return JSON.stringify(tools);
}
