/** The proxy in the background that clients share: one of a kind is elected, and those of other versions retire. */
import type { Config } from '../../config/config.ts';
import { askProxy } from '../../control/control-client.ts';
import { electLeader, type Leadership } from '../../control/leader-election.ts';
import { runningProxies } from '../../control/run-file.ts';
import { messageOf } from '../../core/errors.ts';
import type { Log } from '../../telemetry/log.ts';
import { startTimeOf } from '../../transport/child-process/process-table.ts';
import { packageVersion } from '../support/package-version.ts';
import { electionFolder } from './attach-protocol.ts';

export { SharedClients } from './shared-clients.ts';

/** @returns `undefined` where another process serves these clients. */
export async function elected({ stateDir }: Config, share: string): Promise<Leadership | undefined> {
  return electLeader(electionFolder(stateDir, share), startTimeOf);
}

/** Has proxies of another version take no more clients: theirs would never move to this one. */
export async function retireOtherVersions({ stateDir }: Config, configId: string, log: Log): Promise<void> {
  for (const run of await runningProxies(stateDir, startTimeOf))
    if (run.serves === 'shared' && run.configId === configId && run.version !== packageVersion())
      await askProxy(run.socket, { ask: 'retire' }).catch((error: unknown) => {
        log.warn({ pid: run.pid, why: messageOf(error) }, 'the proxy of another version does not leave');
      });
}
