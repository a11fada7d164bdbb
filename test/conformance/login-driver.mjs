/**
 * The client command that the conformance suite starts for its scenarios of logins: Switchyard, with the suite's
 * server as its only one, and in front of it a client and a person who agrees to everything.
 *
 * The suite appends the server's address, and looks at what reaches its servers.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const CLI = fileURLToPath(new URL('../../dist/cli.js', import.meta.url));
const url = process.argv.at(-1);
const context = JSON.parse(process.env.MCP_CONFORMANCE_CONTEXT ?? '{}');
const scenario = process.env.MCP_CONFORMANCE_SCENARIO ?? '';

const folder = mkdtempSync(join(tmpdir(), 'switchyard-suite-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
const file = join(folder, 'switchyard.json');
writeFileSync(
  file,
  JSON.stringify({
    stateDir: join(folder, 'state'),
    tokenStorage: 'file',
    expose: { namespaces: 'none', metaTools: false, listWaitMs: 3000 },
    mcpServers: { suite: { url, auth: auth(), retry: { attempts: 1 } } },
  }),
);

function auth() {
  const { client_id: clientId, client_secret: clientSecret, private_key_pem: privateKey, issuer } = context;
  if (scenario.startsWith('auth/client-credentials'))
    return {
      clientId,
      grant: 'client-credentials',
      ...(clientSecret && { clientSecret }),
      ...(privateKey && { privateKey }),
    };
  if (clientId) return { clientId, clientSecret, ...(issuer && { issuer }) };
  return { clientMetadataUrl: 'https://conformance-test.local/client-metadata.json' };
}

/** The suite's authorization servers ask nothing: they send the browser straight back. */
async function agree(address) {
  let at = address;
  for (let redirects = 0; redirects < 10; redirects++) {
    const answer = await fetch(at, { redirect: 'manual' });
    const location = answer.headers.get('location');
    await answer.text();
    if (location === null) return;
    at = new URL(location, at).href;
  }
}

async function logIn() {
  const child = spawn(process.execPath, [CLI, 'login', 'suite', '--no-browser', '--config', file]);
  const exited = new Promise((done) => child.on('close', done));
  for await (const line of createInterface({ input: child.stderr })) {
    process.stderr.write(`${line}\n`);
    const address = /^ {2}(http\S+)$/.exec(line)?.[1];
    if (address) agree(address).catch((error) => process.stderr.write(`${error}\n`));
  }
  return exited;
}

async function use() {
  const child = spawn(process.execPath, [CLI, '--config', file]);
  let isRefused = false;
  createInterface({ input: child.stderr }).on('line', (line) => {
    process.stderr.write(`${line}\n`);
    isRefused ||= line.includes('a login is required') || line.includes('insufficient_scope');
  });
  const waiting = new Map();
  let id = 0;
  const send = (message) => child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
  const request = (method, params) =>
    new Promise((done) => {
      waiting.set(++id, done);
      send({ id, method, params });
    });
  createInterface({ input: child.stdout }).on('line', (line) => {
    const message = JSON.parse(line);
    if (message.method === 'elicitation/create') {
      send({ id: message.id, result: { action: 'accept' } });
      agree(message.params.url).catch((error) => process.stderr.write(`${error}\n`));
    } else if (message.method === undefined) waiting.get(message.id)?.(message);
  });
  const toolsOnce = async () => (await request('tools/list', {})).result.tools;
  await request('initialize', {
    protocolVersion: '2025-11-25',
    capabilities: { elicitation: { url: {} } },
    clientInfo: { name: 'suite', version: '1' },
  });
  send({ method: 'notifications/initialized' });
  /** However busy the machine is; a list may come before the server is up. */
  const toolsBefore = async (end) => {
    for (;;) {
      const tools = await toolsOnce();
      if (tools.length > 0 || end()) return tools;
      await new Promise((done) => setTimeout(done, 100));
    }
  };
  const startedAt = Date.now();
  let tools = await toolsBefore(() => isRefused || Date.now() > startedAt + 60_000);
  // The proxy takes up by itself what is made in a terminal.
  if (tools.length === 0 && (await logIn()) === 0) {
    const until = Date.now() + 5000;
    tools = await toolsBefore(() => Date.now() > until);
  }
  let failed = tools.length === 0;
  for (const { name } of tools) {
    const answer = await request('tools/call', { name, arguments: {} });
    process.stderr.write(`${name}: ${JSON.stringify(answer.result ?? answer.error)}\n`);
    if (answer.error || answer.result.isError) failed = true;
  }
  child.stdin.end();
  await new Promise((done) => child.on('close', done));
  return failed ? 1 : 0;
}

const code = await logIn();
process.exitCode = code === 0 ? await use() : code;
