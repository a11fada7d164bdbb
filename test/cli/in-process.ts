/** Runs a command in this process as the built command line would: for tests that need many and no process. */
import { join } from 'node:path';
import { COMMANDS } from '../../src/cli/registry.ts';
import { Output } from '../../src/cli/terminal/output.ts';
import { parseArguments } from '../../src/cli/parse-arguments.ts';
import { UsageError } from '../../src/cli/command.ts';
import { ConfigError } from '../../src/config/config-error.ts';
import type { HostEnvironment } from '../../src/config/folders.ts';
import { messageOf } from '../../src/core/errors.ts';
import type { Said } from './run-cli.ts';

const CLI = join(import.meta.dirname, '../../dist/cli.js');

export async function runHere(
  [name = '', ...args]: readonly string[],
  machine: HostEnvironment,
): Promise<Said> {
  const said = { stdout: '', stderr: '' };
  const stream = (key: keyof typeof said) => ({ write: (text: string) => (said[key] += text) });
  // What an entry starts is the program that writes it.
  process.argv[1] = CLI;
  try {
    const command = await COMMANDS.find((one) => one.name === name)?.load();
    if (!command) throw new UsageError(`Unknown command "${name}".`);
    const { common, ...rest } = parseArguments(command, args);
    const output = new Output({
      json: common.flag('json'),
      noColor: true,
      env: {},
      stdout: stream('stdout'),
      stderr: stream('stderr'),
    });
    const code = await command.run({ ...rest, configFiles: common.texts('config'), machine, output });
    return { code, ...said };
  } catch (error) {
    said.stderr += `${messageOf(error)}\n`;
    return { code: error instanceof UsageError || error instanceof ConfigError ? 2 : 1, ...said };
  }
}
