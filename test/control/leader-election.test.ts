/** Many processes stand for one office, again and again. */
import { spawn } from 'node:child_process';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { beforeEach, expect, test, vi } from 'vitest';
import { electLeader } from '../../src/control/leader-election.ts';
import { startTimeOf } from '../../src/transport/child-process/process-table.ts';
import { temporaryFolder } from '../harness/temp-folder.ts';

vi.setConfig({ testTimeout: 30_000 });

const CANDIDATE = fileURLToPath(new URL('../fixtures/election/candidate.ts', import.meta.url));

let folder: string;
beforeEach(() => (folder = temporaryFolder('election')));

test('of six processes that stand at once, 40 times, never two are elected, and mostly one', async () => {
  const candidates = Array.from({ length: 6 }, candidate);
  let elected = 0;
  for (let round = 0; round < 40; round++) {
    const answers = await Promise.all(candidates.map((one) => one.ask(join(folder, String(round)))));
    const winners = answers.filter((answer) => answer === 'elected').length;
    expect(winners).toBeLessThanOrEqual(1);
    elected += winners;
  }
  for (const one of candidates) one.end();
  expect(elected).toBeGreaterThan(20);
});

test('who is elected stays so until it leaves', async () => {
  const [one, other] = [candidate(), candidate()];
  expect(await one.ask(folder)).toBe('elected');
  expect(await other.ask(folder)).toBe('not');
  one.end();
  await one.exited;
  expect(await other.ask(folder)).toBe('elected');
  other.end();
});

test('what a dead process or a torn write left hinders nobody, and is taken away', async () => {
  writeFileSync(join(folder, '999999999.office'), JSON.stringify([999_999_999, '1', 'x']));
  writeFileSync(join(folder, '999999998.candidate'), '');
  const office = await electLeader(folder, startTimeOf);
  expect(office).toBeDefined();
  expect(readdirSync(folder).sort()).toEqual([`${process.pid}.candidate`, `${process.pid}.office`]);
  await office?.leave();
  expect(readdirSync(folder)).toEqual([]);
});

function candidate() {
  const child = spawn(process.execPath, ['--import', 'tsx', CANDIDATE], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const exited = new Promise((resolve) => child.once('exit', resolve));
  return {
    exited,
    async ask(place: string): Promise<string> {
      child.stdin.write(`${place}\n`);
      return String((await lines.next()).value);
    },
    end: () => child.stdin.end(),
  };
}
