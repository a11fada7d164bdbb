#!/usr/bin/env node
/** Parses arguments, runs one command, sets the exit code: 0 done, 1 it failed, 2 wrong use or wrong config. */
import { parseArgs } from 'node:util';
import { packageVersion } from './commands/package-version.ts';
import { serve } from './commands/serve.ts';
import { UsageError } from './commands/usage-error.ts';
import { ConfigError } from './config/config-error.ts';
import { messageOf } from './core/errors.ts';

const HELP = `Usage: switchyard [serve] [options]

One MCP server in front of many. Serves all servers of a config as one, over stdio (what a client's entry
starts) or over Streamable HTTP.

Options:
  --config FILE         the config; repeatable, later files win server by server
                        (default: $SWITCHYARD_CONFIG, ./switchyard.json|yaml|toml, the user's config folder)
  --http [HOST:]PORT    serve Streamable HTTP at /mcp instead (host 127.0.0.1; port 0 picks one)
  --stdio               with --http: serve stdio as well
  --servers A,B         serve only these servers of the config
  --tags T,-U           serve only servers with tag T, and none with tag U
  --version             print the version
  --help                print this

Examples:
  switchyard --config switchyard.json
  switchyard serve --http 8080 --config ~/.cursor/mcp.json
`;

async function main(args: readonly string[]): Promise<number> {
  const { values, positionals } = parse(args);
  if (values.help) {
    process.stdout.write(HELP);
    return 0;
  }
  if (values.version) {
    process.stdout.write(`${packageVersion()}\n`);
    return 0;
  }
  const [command = 'serve', ...rest] = positionals;
  if (command !== 'serve') throw new UsageError(`Unknown command "${command}". See switchyard --help.`);
  if (rest.length > 0) throw new UsageError(`Unexpected argument "${rest[0]}". See switchyard --help.`);
  const http = values.http === undefined ? undefined : address(values.http);
  return serve({
    configFiles: values.config ?? [],
    http,
    stdio: http === undefined || values.stdio === true,
    part: { servers: listed(values.servers), tags: listed(values.tags) },
  });
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        config: { type: 'string', multiple: true },
        http: { type: 'string' },
        stdio: { type: 'boolean' },
        servers: { type: 'string', multiple: true },
        tags: { type: 'string', multiple: true },
        version: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    });
  } catch (error) {
    // Node adds a hint about positional arguments, of which there are none.
    const [what = ''] = messageOf(error).split(/\. |\.?$/);
    throw new UsageError(`${what}. See switchyard --help.`);
  }
}

/** Values between commas, from all times that an option was given. */
function listed(given: readonly string[] | undefined): string[] {
  return (given ?? [])
    .flatMap((text) => text.split(',').map((one) => one.trim()))
    .filter((one) => one !== '');
}

/** `[HOST:]PORT`; an IPv6 host stands in brackets. */
function address(text: string): { host: string; port: number } {
  const match = /^(?:(?<host>\[[0-9a-fA-F:.]+\]|[^:]+):)?(?<port>\d{1,5})$/.exec(text);
  const port = Number(match?.groups?.['port']);
  if (!match || port > 65_535) throw new UsageError(`--http expects [HOST:]PORT, got "${text}".`);
  return { host: (match.groups?.['host'] ?? '127.0.0.1').replaceAll(/[[\]]/g, ''), port };
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  const wrongUse = error instanceof UsageError || error instanceof ConfigError;
  process.stderr.write(`${messageOf(error)}\n`);
  process.exitCode = wrongUse ? 2 : 1;
}
