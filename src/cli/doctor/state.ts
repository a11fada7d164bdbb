/** Findings about the state folder: its owner and modes, and what dead proxies have left in it. */
import { accessSync, constants, existsSync, statSync } from 'node:fs';
import { chmod, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { openSnapshots } from '../../catalog/snapshot.ts';
import { runningProxies, staleRuns } from '../../control/run-file.ts';
import { stateKey } from '../../proxy/state-key.ts';
import { leftOverProcesses, sweepProcesses } from '../../transport/child-process/process-record.ts';
import { startTimeOf } from '../../transport/child-process/process-table.ts';
import type { Finding } from './finding.ts';
import { NO_LOG } from '../support/remembered-catalog.ts';

export async function stateFindings(stateDir: string): Promise<Finding[]> {
  if (!existsSync(stateDir)) return [];
  const unusable = accessFindings(stateDir);
  if (unusable.length > 0) return unusable;
  return [
    ...modeFindings(stateDir),
    ...(await runFindings(stateDir)),
    ...(await processFindings(stateDir)),
    ...snapshotFindings(stateDir),
  ];
}

function accessFindings(stateDir: string): Finding[] {
  try {
    accessSync(stateDir, constants.R_OK | constants.W_OK | constants.X_OK);
    if (statSync(stateDir).isDirectory()) return [];
  } catch {
    // Told below.
  }
  return [
    {
      severity: 'error',
      what: `the state folder ${stateDir} cannot be used`,
      cause:
        'it is no folder, or this user may not write to it: nothing is remembered, and status finds no proxy',
      remedy: 'give it to this user, or set stateDir to another folder',
    },
  ];
}

function modeFindings(stateDir: string): Finding[] {
  if (process.platform === 'win32') return [];
  const own: readonly (readonly [string, number])[] = [
    [stateDir, 0o700],
    [join(stateDir, 'key'), 0o600],
  ];
  return own.flatMap(([file, mode]): Finding[] => {
    const found = statSync(file, { throwIfNoEntry: false });
    if (!found || (found.mode & 0o077) === 0) return [];
    return [
      {
        severity: 'warning',
        what: `other users of this machine may open ${file}`,
        cause: `its mode is ${(found.mode & 0o777).toString(8)}`,
        remedy: `chmod ${mode.toString(8)} ${file}`,
        fix: () => chmod(file, mode),
      },
    ];
  });
}

async function runFindings(stateDir: string): Promise<Finding[]> {
  const stale = await staleRuns(stateDir, startTimeOf);
  if (stale.length === 0) return [];
  return [
    {
      severity: 'warning',
      what: `${stale.length} files of proxies that do not run any more`,
      cause: 'they were killed, or the machine went down',
      remedy: 'switchyard status takes them away',
      fix: async () => void (await runningProxies(stateDir, startTimeOf)),
    },
  ];
}

async function processFindings(stateDir: string): Promise<Finding[]> {
  const left = await leftOverProcesses(stateDir);
  if (left.length === 0) return [];
  return [
    {
      severity: 'warning',
      what: `${left.length} processes of servers were left behind: ${left.join(', ')}`,
      cause: 'their proxy was killed',
      remedy: 'the next proxy that starts ends them',
      fix: () => sweepProcesses(stateDir, NO_LOG),
    },
  ];
}

function snapshotFindings(stateDir: string): Finding[] {
  if (!existsSync(join(stateDir, 'key')) || !existsSync(join(stateDir, 'snapshot'))) return [];
  const snapshots = openSnapshots(stateDir, stateKey(stateDir, NO_LOG), NO_LOG);
  const damaged = snapshots.damaged();
  if (damaged.length === 0) return [];
  return [
    {
      severity: 'warning',
      what: `${damaged.length} files of the snapshot do not count`,
      cause: 'they are damaged, of another version, or of another key',
      remedy: 'remove them: the servers are asked at the next start',
      // Servers that were tried since may have replaced some of the files.
      fix: async () => void (await Promise.all(snapshots.damaged().map((file) => rm(file, { force: true })))),
    },
  ];
}
