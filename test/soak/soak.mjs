// Connects, calls, crashes, reloads, disconnects, over and over, and watches what the proxy holds meanwhile.
//
//   node test/soak/soak.mjs [--minutes 60 | --seconds 40]
//
// Prints the slope of heap, resident memory, open files, children and timers beside the noise; exits with 1 where
// one grew by more than the noise, an answer is missing, or something is left behind. Linux only (/proc).
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const { values } = parseArgs({ options: { minutes: { type: 'string' }, seconds: { type: 'string' } } });
const totalMs = values.minutes ? Number(values.minutes) * 60_000 : Number(values.seconds ?? 40) * 1000;
const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'switchyard-soak-'));
const configFile = join(folder, 'switchyard.json');
const SERVERS = 5;
/** And one of each of these, which the soak itself starts, and again when it has crashed. */
const CARRIERS = ['tcp', 'websocket', 'sse', 'http'];
const LONGEST_WAITS_MS = 10 * 60_000;
const HEADERS = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' };

let ended = false;
const remotes = new Map();
for (const carrier of CARRIERS) await startRemote(carrier, 0);

async function startRemote(carrier, port) {
  const script = here('../fixtures/faults/remote.mjs');
  const child = spawn(process.execPath, [script, carrier, String(port)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = await once(child.stdout, 'data');
  const found = Number(String(line).split(' ')[1]);
  remotes.set(carrier, { child, port: found });
  child.once('exit', () => !ended && void startRemote(carrier, found));
}

function remoteEntry(carrier) {
  const { port } = remotes.get(carrier);
  const restart = { delayMs: 50, maxDelayMs: 500 };
  const at = `127.0.0.1:${port}`;
  if (carrier === 'tcp') return { type: 'tcp', host: '127.0.0.1', port, restart };
  if (carrier === 'websocket') return { type: 'websocket', url: `ws://${at}`, restart };
  return carrier === 'sse'
    ? { type: 'sse', url: `http://${at}/sse`, restart }
    : { url: `http://${at}/mcp`, restart };
}

function saveConfig(round) {
  const entry = (i) => ({
    command: process.execPath,
    args: [here('../fixtures/faults/stdio.mjs'), '{}'],
    stopGraceMs: 300,
    restart: { delayMs: 50, maxDelayMs: 500 },
    // One of them differs after each reload.
    timeoutMs: 10_000 + (i === 0 ? round : 0),
  });
  const mcpServers = Object.fromEntries([
    ...Array.from({ length: SERVERS }, (_, i) => [`s${i}`, entry(i)]),
    ...CARRIERS.map((carrier) => [carrier, remoteEntry(carrier)]),
  ]);
  writeFileSync(
    configFile,
    JSON.stringify({ mcpServers, stateDir: join(folder, 'state'), log: { level: 'error' } }),
  );
}

saveConfig(0);
const cli = here('../../dist/cli.js');
const args = [
  '--expose-gc',
  '--import',
  here('./probe.mjs'),
  cli,
  'serve',
  '--http',
  '127.0.0.1:0',
  '--config',
  configFile,
];
const proxy = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe'] });
const endRemotes = () => {
  for (const { child } of remotes.values()) child.kill('SIGKILL');
};
process.on('exit', () => {
  if (proxy.exitCode === null) proxy.kill('SIGTERM');
  endRemotes();
});
let log = '';
let sample;
proxy.stderr.on('data', (chunk) => {
  log = (log + chunk).slice(-100_000);
  for (const line of String(chunk).split('\n'))
    if (line.startsWith('{"soak"')) sample?.(JSON.parse(line).soak);
});
const exited = new Promise((resolve) => proxy.once('exit', (code, signal) => resolve(code ?? signal)));
const url = await waitFor('it to listen', () => /^listening (\S+)$/m.exec(log)?.[1]);

const counts = { sessions: 0, calls: 0, failed: 0, crashes: 0, reloads: 0 };
const samples = [];
const from = performance.now();
let round = 0;
let nextSample = 0;
while (performance.now() - from < totalMs) {
  await clientsLife(++round);
  if (performance.now() - from < nextSample) continue;
  await quiet();
  samples.push({ at: performance.now() - from, ...(await takeSample()) });
  nextSample = performance.now() - from + totalMs / 60;
}
await quiet();
samples.push({ at: performance.now() - from, ...(await takeSample()) });
const verdict = report();
ended = true;
const before = childrenOf(proxy.pid);
proxy.kill('SIGTERM');
const code = await Promise.race([exited, wait(5000).then(() => 'still running')]);
await wait(200);
const left = before.filter(isRunning);
if (code !== 0 || left.length > 0) console.log(`the end: exit ${code}, left behind: ${left.length}`);
for (const pid of left) process.kill(pid, 'SIGKILL');
endRemotes();
rmSync(folder, { recursive: true, force: true });
process.exitCode = verdict && code === 0 && left.length === 0 ? 0 : 1;

/** One client: comes, lists, calls, sees a server crash or the config change, goes. */
async function clientsLife(n) {
  const session = await greet();
  counts.sessions++;
  await rpc(session, 'tools/list', {});
  const all = Array.from({ length: 20 }, (_, i) => call(session, `s${i % SERVERS}__echo`, { n, i }));
  if (n % 3 === 0) {
    counts.crashes++;
    all.push(call(session, `s${1 + (n % (SERVERS - 1))}__kill`, {}));
  }
  for (const carrier of CARRIERS) all.push(call(session, `${carrier}__echo`, { n }));
  if (n % 7 === 0) {
    counts.crashes++;
    all.push(call(session, `${CARRIERS[(n / 7) % CARRIERS.length]}__kill`, {}));
  }
  if (n % 10 === 0) {
    counts.reloads++;
    saveConfig(n);
  }
  await Promise.all(all);
  await fetch(url, { method: 'DELETE', headers: { ...HEADERS, 'mcp-session-id': session } });
}

async function greet() {
  const params = {
    protocolVersion: '2025-11-25',
    capabilities: {},
    clientInfo: { name: 'soak', version: '1' },
  };
  const response = await post({ jsonrpc: '2.0', id: 0, method: 'initialize', params });
  await response.text();
  const session = response.headers.get('mcp-session-id');
  await (await post({ jsonrpc: '2.0', method: 'notifications/initialized' }, session)).text();
  return session;
}

async function call(session, name, args) {
  counts.calls++;
  const { result } = await rpc(session, 'tools/call', { name, arguments: args });
  if (result === undefined || result.isError) counts.failed++;
}

async function rpc(session, method, params) {
  const response = await post({ jsonrpc: '2.0', id: 1, method, params }, session);
  const text = await response.text();
  const body = text.startsWith('{')
    ? text
    : text
        .split('\n')
        .findLast((line) => line.startsWith('data: {'))
        ?.slice(6);
  const message = JSON.parse(body ?? 'null');
  if (message?.id !== 1)
    throw new Error(`no answer to ${method}: HTTP ${response.status} ${text.slice(0, 200)}`);
  return message;
}

function post(message, session) {
  const headers = {
    ...HEADERS,
    'mcp-protocol-version': '2025-11-25',
    ...(session && { 'mcp-session-id': session }),
  };
  return fetch(url, {
    method: 'POST',
    headers,
    body: JSON.stringify(message),
    signal: AbortSignal.timeout(20_000),
  });
}

/** All servers up, the old ones gone. */
async function quiet() {
  await waitFor('all servers', async () => (await fetch(url.replace('/mcp', '/readyz'))).ok, 15_000);
  await waitFor('the old ones to go', () => childrenOf(proxy.pid).length === SERVERS, 15_000);
}

async function takeSample() {
  const told = new Promise((resolve) => (sample = resolve));
  proxy.kill('SIGUSR2');
  const { heap, rss, timers } = await told;
  return {
    heap: heap / 1e6,
    rss: rss / 1e6,
    timers,
    files: filesOf(proxy.pid),
    children: childrenOf(proxy.pid).length,
  };
}

function report() {
  const { sessions, calls, failed, crashes, reloads } = counts;
  console.log(
    `${sessions} sessions, ${calls} calls (${failed} failed with the servers that crashed), ${crashes} crashes, ${reloads} reloads`,
  );
  // The first third is warming up.
  const settled = samples.slice(Math.floor(samples.length / 3));
  let good = settled.length >= 5;
  console.log('              first      last   growth    noise');
  for (const [what, unit, least] of [
    ['heap', 'MB', 1.5],
    ['rss', 'MB', 8],
    ['files', '', 2],
    ['children', '', 0.5],
    // Waits of minutes gather until the first of them are over: in a shorter run their timers only grow.
    ['timers', '', totalMs < LONGEST_WAITS_MS ? 30 : 3],
  ]) {
    const line = fit(settled.map((one) => [one.at, one[what]]));
    const limit = Math.max(least, 3 * line.noise);
    const grows = line.growth > limit;
    good &&= !grows;
    const cell = (n) => n.toFixed(2).padStart(9);
    const [first, last] = [settled[0]?.[what] ?? 0, settled.at(-1)?.[what] ?? 0];
    console.log(
      `${what.padEnd(9)}${cell(first)} ${cell(last)}${cell(line.growth)}${cell(line.noise)} ${unit}${grows ? '  GROWS' : ''}`,
    );
  }
  console.log(good ? 'no growth above the noise' : 'growth, or too few samples');
  return good;
}

/** A line through the points: what it rises over all of them, and how far they lie from it. */
function fit(points) {
  const n = points.length;
  const meanX = points.reduce((sum, [x]) => sum + x, 0) / n;
  const meanY = points.reduce((sum, [, y]) => sum + y, 0) / n;
  const slope =
    points.reduce((sum, [x, y]) => sum + (x - meanX) * (y - meanY), 0) /
    (points.reduce((sum, [x]) => sum + (x - meanX) ** 2, 0) || 1);
  const noise = Math.sqrt(
    points.reduce((sum, [x, y]) => sum + (y - meanY - slope * (x - meanX)) ** 2, 0) / n,
  );
  return { growth: slope * ((points.at(-1)?.[0] ?? 0) - (points[0]?.[0] ?? 0)), noise };
}

function childrenOf(pid) {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((one) => isRunning(one) && Number(statOf(one)?.[1]) === pid);
}

function isRunning(pid) {
  return !'ZX'.includes(statOf(pid)?.[0] ?? 'X');
}

function statOf(pid) {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return text.slice(text.lastIndexOf(')') + 2).split(' ');
  } catch {
    return undefined;
  }
}

/** Sockets of kept-alive HTTP connections come and go with the clients: they do not count. */
function filesOf(pid) {
  const names = readdirSync(`/proc/${pid}/fd`);
  return names.filter((name) => {
    try {
      return !/^(socket:|anon_inode:inotify)/.test(readlinkSync(`/proc/${pid}/fd/${name}`));
    } catch {
      return false;
    }
  }).length;
}

async function waitFor(what, find, ms = 10_000) {
  const end = performance.now() + ms;
  for (;;) {
    const found = await find();
    if (found) return found;
    if (performance.now() > end) throw new Error(`waited in vain for ${what}\n${log.slice(-2000)}`);
    await wait(20);
  }
}

function wait(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
