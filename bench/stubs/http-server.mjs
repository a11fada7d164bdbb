/** A downstream server over Streamable HTTP that costs as little as `node:http` does. Tells its address on stderr. */
import { createServer } from 'node:http';
import { createAnswers } from './answers.mjs';
import { readOptions } from './options.mjs';

const options = readOptions();
const answer = createAnswers(options);
const session = options.era === 'legacy' ? { 'mcp-session-id': 'bench-session' } : undefined;

const server = createServer({ noDelay: true, keepAliveTimeout: 600_000, requestTimeout: 0 }, (req, res) => {
  if (req.method !== 'POST')
    return res.writeHead(req.method === 'GET' ? 405 : 200, { 'content-length': 0 }).end();
  let first;
  let more;
  req.on('data', (chunk) => {
    if (first === undefined) first = chunk;
    else (more ??= [first]).push(chunk);
  });
  req.on('end', () => {
    const body = (more === undefined ? first : Buffer.concat(more)).toString('latin1');
    const reply = answer(body);
    if (reply === undefined) {
      if (options.behaviour !== 'hang' || !body.includes('"id"'))
        res.writeHead(202, { 'content-length': 0 }).end();
      return;
    }
    const head = { 'content-type': 'application/json', 'content-length': reply.length };
    res.writeHead(200, body.includes('"initialize"') ? { ...head, ...session } : head);
    res.end(reply, 'latin1');
  });
});
server.listen(0, '127.0.0.1', () =>
  process.stderr.write(`listening http://127.0.0.1:${server.address().port}/mcp\n`),
);
process.stdin.on('end', () => process.exit(0)).resume();
