/** The state folder: all that the proxy keeps from run to run. */
import { join } from 'node:path';
import { openSnapshots, type SnapshotStore } from '../catalog/snapshot.ts';
import type { Clock } from '../core/clock.ts';
import type { Logger } from '../core/logger.ts';
import { eraMemory, type EraMemory } from '../downstream/connection/eras.ts';
import type { LoginStore } from '../login/store/login-store.ts';
import { Sealer } from '../protocol/seal.ts';
import {
  openProcessRecord,
  type ProcessRecord,
  sweepProcesses,
} from '../transport/child-process/process-record.ts';
import { loginStore } from './server-logins.ts';
import { stateKey } from './state-key.ts';

export interface StateFolder {
  readonly sealer: Sealer;
  readonly eras: EraMemory;
  readonly snapshots: SnapshotStore;
  readonly logins: LoginStore;
  readonly processes: ProcessRecord;
  /** Comes after the end of every server. */
  close(): Promise<void>;
}

/** Also ends the child processes that a dead proxy left, without waiting for their end. */
export async function openStateFolder(
  { stateDir, tokenStorage }: { readonly stateDir: string; readonly tokenStorage: 'auto' | 'file' },
  clock: Clock,
  log: Logger,
): Promise<StateFolder> {
  const key = stateKey(stateDir, log);
  const eras = eraMemory(join(stateDir, 'eras.json'), key, log);
  const snapshots = openSnapshots(stateDir, key, log);
  const logins = loginStore({ stateDir, tokenStorage }, clock, log);
  const processes = await openProcessRecord(stateDir, log);
  const swept = sweepProcesses(stateDir, log);
  return {
    sealer: new Sealer(key, () => Date.now()),
    eras,
    snapshots,
    logins,
    processes,
    async close() {
      await Promise.all([eras.close(), snapshots.close()]);
      await swept;
      await processes.close();
    },
  };
}
