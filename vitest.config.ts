import { defineConfig } from 'vitest/config';
import { closingLine } from './test/closing-line.ts';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Tests start processes and listen on sockets: each file in a process of its own. They often wait: four at a time
    // keep two cores busy.
    pool: 'forks',
    maxWorkers: 4,
    testTimeout: 30_000,
    hookTimeout: 30_000,
    // A test that passes only sometimes is wrong.
    retry: 0,
    reporters: ['default', closingLine()],
  },
});
