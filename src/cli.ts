#!/usr/bin/env node
/** Parses arguments, runs one command, sets the exit code: 0 done, 1 it failed, 2 wrong use or wrong config. */
import { homedir } from 'node:os';
import type { Command } from './cli/command.ts';
import { COMMANDS, DEFAULT_COMMAND } from './cli/registry.ts';
import { Output } from './cli/terminal/output.ts';
import { packageVersion } from './cli/support/package-version.ts';
import { parseArguments } from './cli/parse-arguments.ts';
import { UsageError } from './cli/command.ts';
import { ConfigError } from './config/config-error.ts';
import { messageOf } from './core/errors.ts';
import { nearest } from './core/nearest.ts';

async function main(args: readonly string[]): Promise<number> {
  const [first = ''] = args;
  const named = first !== '' && !first.startsWith('-');
  if (first === '--version') {
    process.stdout.write(`${packageVersion()}\n`);
    return 0;
  }
  if (first === '--help' || first === '-h') {
    const { helpOfAll } = await import('./cli/help.ts');
    process.stdout.write(await helpOfAll());
    return 0;
  }
  const command = await commandNamed(named ? first : DEFAULT_COMMAND);
  const { common, options, positionals, rest } = parseArguments(command, named ? args.slice(1) : args);
  if (common.flag('help')) {
    const { helpOf } = await import('./cli/help.ts');
    process.stdout.write(helpOf(command));
    return 0;
  }
  const { env, stdout, stderr } = process;
  // Whoever read our output has seen enough; a server's client that leaves is its face's business.
  if (command.name !== 'serve') stdout.on('error', () => process.exit());
  return command.run({
    options,
    positionals,
    rest,
    configFiles: common.texts('config'),
    machine: { env, cwd: process.cwd(), homeDir: homedir(), platform: process.platform },
    output: new Output({
      json: common.flag('json'),
      noColor: common.flag('no-color'),
      env,
      stdout,
      stderr,
    }),
  });
}

async function commandNamed(name: string): Promise<Command> {
  const entry = COMMANDS.find((one) => one.name === name);
  if (entry) return entry.load();
  const near = nearest(
    name,
    COMMANDS.map((one) => one.name),
  );
  const guess = near === undefined ? '' : ` Did you mean ${near}?`;
  throw new UsageError(`Unknown command "${name}".${guess} See switchyard --help.`);
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  const wrongUse = error instanceof UsageError || error instanceof ConfigError;
  process.stderr.write(`${messageOf(error)}\n`);
  process.exitCode = wrongUse ? 2 : 1;
}
