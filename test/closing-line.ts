/** A vitest reporter: the last line of a run says how many passed and failed, in plain text. */
import type { Reporter } from 'vitest/node';

export function closingLine(): Reporter {
  return {
    onTestRunEnd(modules, errors) {
      const tests = modules.flatMap((module) => [...module.children.allTests()]);
      const states = tests.map((test) => test.result().state);
      const passed = states.filter((state) => state === 'passed').length;
      const failed = states.filter((state) => state === 'failed').length;
      const skipped = states.length - passed - failed;
      // A file can also fail outside of its tests: at its import, or in a hook.
      const broken = modules.filter((module) => module.errors().length > 0).length + errors.length;
      if (skipped > 0) process.stdout.write(`\n${skipped} skipped`);
      process.stdout.write(`\n${passed} passed, ${failed + broken} failed\n`);
    },
  };
}
