/** The running proxies that a command is about. */
import { configId } from '../../config/config-id.ts';
import type { HostEnvironment } from '../../config/folders.ts';
import { runningProxies, type RunningProxy } from '../../control/run-file.ts';
import { startTimeOf } from '../../transport/child-process/process-table.ts';
import { configFiles, readConfig } from '../support/configured.ts';

/**
 * Those that serve this config, where one is given or found; without any config, those of the user's own state folder.
 */
export async function proxiesOf(
  given: readonly string[],
  machine: HostEnvironment,
): Promise<readonly RunningProxy[]> {
  const files = configFiles(given, machine);
  const { stateDir } = await readConfig(files, machine);
  const id = configId(files);
  return (await runningProxies(stateDir, startTimeOf)).filter((run) => run.configId === id);
}

export const NOBODY_RUNS =
  'No proxy runs for this config. A client starts one with its entry; switchyard serve starts one by hand.';
