/** The program that a client's entry starts: this one. */
import { existsSync, realpathSync } from 'node:fs';
import type { StartedBy } from '../../clients/client-entry.ts';
import type { ListMode } from '../../core/list-mode.ts';

/** Absolute: clients start with another PATH than terminals. */
export function startedBy(config: string, list: ListMode | undefined): StartedBy {
  const flag = list === undefined ? [] : ['--list', list];
  return { command: nodePath(), args: [programPath(), 'serve', '--attach', ...flag, '--config', config] };
}

export function programPath(): string {
  const [, program = ''] = process.argv;
  return realpathSync(program);
}

/** Homebrew has a folder for each version, and a name for the one that is installed. */
function nodePath(): string {
  const { execPath } = process;
  const [, prefix, formula] = /^(.*)\/Cellar\/([^/]+)\/[^/]+\/bin\/node$/.exec(execPath) ?? [];
  const lasting = `${prefix ?? ''}/opt/${formula ?? ''}/bin/node`;
  return prefix !== undefined && existsSync(lasting) ? lasting : execPath;
}
