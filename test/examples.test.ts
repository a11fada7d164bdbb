/** The examples check themselves: exit code 0 only if all was as expected. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';

const BOUND_MS = 60_000;
const run = promisify(execFile);

describe('the example', () => {
  test.each([
    'quickstart/run.mjs',
    'transports/run.mjs',
    'client-config/run.mjs',
    'embedding/run.ts',
    'search-with-failover/run.mjs',
    'workflow-research-note/run.mjs',
    'workflow-rollback/run.mjs',
    'workflow-resume/run.mjs',
  ])(
    '%s is as it says',
    async (name) => {
      const options = { timeout: BOUND_MS, killSignal: 'SIGKILL' as const };
      const { stdout } = await run(process.execPath, ['--import', 'tsx', `examples/${name}`], options);
      expect(stdout).toMatch(/everything was as expected/i);
      expect(stdout).not.toContain('✗');
    },
    BOUND_MS,
  );
});
