import { defineConfig } from 'vitest/config';

/** The memory checks: each file alone, since what else runs in the process would be measured too. */
export default defineConfig({
  test: {
    include: ['test/soak/**/*.soak.ts'],
    pool: 'forks',
    maxWorkers: 1,
    testTimeout: 60_000,
    retry: 0,
  },
});
