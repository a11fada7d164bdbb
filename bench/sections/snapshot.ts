/** From spawning the process to the complete list, with what an earlier run has left: nothing is started before. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Effort, type Section, show } from '../figures.ts';
import { childrenOf } from '../process-figures.ts';
import { median, sleep } from '../statistics.ts';
import { startProxy } from '../subjects.ts';

/** By then an earlier run has written down all that it knows, its compiled script too. */
const SETTLED_MS = 5000;

export async function measureSnapshot(effort: Effort): Promise<Section> {
  const rows: string[][] = [];
  const figures: Record<string, number> = {};
  for (const servers of effort.starts) {
    const stateDir = mkdtempSync(join(tmpdir(), 'switchyard-bench-state-'));
    await start(servers, stateDir, SETTLED_MS);
    const node: number[] = [];
    const listed: number[] = [];
    const repetitions = effort.repetitions * 3;
    for (let round = 0; round < repetitions; round++) {
      node.push(await bareNode());
      listed.push(await start(servers, stateDir));
    }
    rmSync(stateDir, { recursive: true, force: true });
    const ratio = median(listed.map((ms, i) => ms / (node[i] ?? NaN)));
    figures[`start ${servers} snapshot / node`] = ratio;
    rows.push([String(servers), show(median(node)), show(median(listed)), show(ratio)]);
  }
  return {
    table: {
      title: 'Start from the snapshot to the complete list, before any server is started',
      columns: ['servers', '`node -e 0` ms', 'Switchyard ms', 'ratio'],
      rows,
    },
    figures,
  };
}

/** @returns milliseconds to the first list. @param stayMs how long it goes on after that. */
async function start(servers: number, stateDir: string, stayMs = 0): Promise<number> {
  const keys = Array.from({ length: servers }, (_, i) => `s${i}`);
  const stubs = Object.fromEntries(keys.map((key) => [key, { carrier: 'stdio' } as const]));
  const from = performance.now();
  const { echoes, pid, stop } = await startProxy({
    who: 'switchyard',
    carrier: 'stdio',
    servers: stubs,
    stateDir,
  });
  const ms = performance.now() - from;
  if (stayMs > 0) await sleep(stayMs);
  else if (echoes.length < servers || childrenOf(pid).length > 0)
    throw new Error(`${echoes.length} of ${servers} listed, ${childrenOf(pid).length} started`);
  await stop();
  return ms;
}

function bareNode(): Promise<number> {
  const from = performance.now();
  const child = spawn(process.execPath, ['-e', '0'], { stdio: 'ignore' });
  return new Promise((resolve) => child.once('exit', () => resolve(performance.now() - from)));
}
