/**
 * `npm start`: serves `switchyard.json` beside this file over HTTP and prints what to paste into a client.
 * Another address: `npm start -- 127.0.0.1:9000`. Ends with Ctrl-C.
 */
import { spawn } from 'node:child_process';
import { delimiter, dirname } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const READY_MS = 60_000;
const cli = fileURLToPath(new URL('../../dist/cli.js', import.meta.url));
const config = fileURLToPath(new URL('switchyard.json', import.meta.url));
const [address = '127.0.0.1:8080'] = process.argv.slice(2);

const proxy = spawn(process.execPath, [cli, 'serve', '--http', address, '--config', config], {
  stdio: ['ignore', 'inherit', 'pipe'],
});
// Ctrl-C reaches the proxy by itself, a signal of another program does not; it ends in good order, and so do we.
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => proxy.kill(signal));
proxy.on('exit', (code) => (process.exitCode = code ?? 1));

createInterface({ input: proxy.stderr }).on('line', (line) => {
  const url = /^listening (\S+)$/.exec(line)?.[1];
  if (url === undefined) console.error(line);
  else void greet(url);
});

async function greet(url) {
  console.log(entries(url));
  const ready = await whenReady(url);
  console.log(ready ? 'All servers are connected.' : 'Not all servers are connected: see the lines above.');
  console.log('Ctrl-C ends it.');
}

async function whenReady(url) {
  const end = Date.now() + READY_MS;
  while (Date.now() < end && proxy.exitCode === null) {
    const response = await fetch(new URL('/readyz', url)).catch(() => undefined);
    if (response?.ok) return true;
    await new Promise((done) => setTimeout(done, 250));
  }
  return false;
}

function entries(url) {
  // Programs that a desktop starts often lack the PATH of a shell.
  const path = [dirname(process.execPath), '/usr/local/bin', '/usr/bin', '/bin'].join(delimiter);
  const stdio = { command: process.execPath, args: [cli, '--config', config], env: { PATH: path } };
  return `
Switchyard serves ${config}
at ${url}

Cursor (~/.cursor/mcp.json):
${entry({ url })}

Claude Code:
  claude mcp add --transport http switchyard ${url}

Claude Desktop (claude_desktop_config.json) starts it by itself, over stdio:
${entry(stdio)}
`;
}

function entry(server) {
  return JSON.stringify({ mcpServers: { switchyard: server } }, null, 2).replaceAll(/^/gm, '  ');
}
