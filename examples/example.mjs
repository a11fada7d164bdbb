/**
 * What the examples share: a folder of their own, the real proxy over stdio in front of the servers of a config, and
 * checks that decide about the exit code.
 */
import { rmSync } from 'node:fs';
import { mkdtemp, realpath } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';

const BOUND_MS = 60_000;
const cli = fileURLToPath(new URL('../dist/cli.js', import.meta.url));
/** Whose node_modules hold the servers, so that npx fetches nothing. */
const checkout = fileURLToPath(new URL('..', import.meta.url));

/**
 * Runs `show` and sets the exit code: 0 only if all was as expected. The config finds the folder as `$EXAMPLE_FOLDER`.
 *
 * @param config the URL of a config file
 */
export async function example(config, show) {
  const started = performance.now();
  const failures = [];
  const clients = [];
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'switchyard-example-')));
  const clean = () => rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  const bound = setTimeout(() => {
    console.error(`This did not end within ${BOUND_MS / 1000} s.`);
    clean();
    process.exit(1);
  }, BOUND_MS);

  /** Starts the proxy, and a client with it. `variables` are for the config. */
  async function connect(variables = {}) {
    const client = new Client({ name: 'example', version: '1.0.0' });
    clients.push(client);
    const env = { PATH: process.env.PATH, EXAMPLE_FOLDER: folder, ...variables };
    const transport = new StdioClientTransport({
      command: process.execPath,
      args: [cli, '--config', fileURLToPath(config)],
      env,
      cwd: checkout,
    });
    await client.connect(transport);
    return {
      pid: transport.pid,
      close: () => client.close(),
      /** @returns the names of the tools */
      tools: async () => (await client.listTools()).tools.map(({ name }) => name),
      /** @returns the whole result */
      call: (name, args = {}) => client.callTool({ name, arguments: args }),
    };
  }

  function check(what, holds) {
    console.log(`  ${holds ? '✓' : '✗'} ${what}`);
    if (!holds) failures.push(what);
  }

  try {
    await show({ folder, connect, check, heading, say });
  } catch (error) {
    failures.push(error instanceof Error ? error.message : String(error));
    console.error(error);
  } finally {
    await Promise.allSettled(clients.map((client) => client.close()));
    clean();
    clearTimeout(bound);
  }
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.log(
    failures.length === 0
      ? `\nDone in ${seconds} s: everything was as expected.`
      : `\nDone in ${seconds} s. NOT as expected:\n  ${failures.join('\n  ')}`,
  );
  if (failures.length > 0) process.exitCode = 1;
}

/** Waits for something to become true, at most so long; what comes after checks whether it did. */
export async function until(holds, ms) {
  const end = performance.now() + ms;
  while (!(await holds()) && performance.now() < end) await new Promise((done) => setTimeout(done, 25));
}

function heading(text) {
  console.log(`\n${text}`);
}

function say(text) {
  console.log(`    ${text}`);
}
