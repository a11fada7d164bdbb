import { expect, test } from 'vitest';
import { collectWhenIdle, type ProcessFigures } from '../../../src/cli/serve/idle-gc.ts';

interface Bench {
  /** Five seconds go by, with so much CPU used in them. */
  readonly look: (cpuMs: number) => Promise<void>;
  readonly memory: { bytes: number; collected: number };
  readonly end: () => void;
  readonly waiting: () => number;
}

function bench(collect: () => Promise<void> = () => Promise.resolve()): Bench {
  const memory = { bytes: 60_000_000, collected: 0 };
  let used = 0;
  let tasks: (() => void)[] = [];
  const figures: ProcessFigures = {
    rss: () => memory.bytes,
    cpuMs: () => used,
    collect() {
      memory.collected++;
      memory.bytes = 50_000_000;
      return collect();
    },
  };
  const end = collectWhenIdle({
    clock: {
      now: () => 0,
      after(_ms, task) {
        tasks.push(task);
        return () => (tasks = tasks.filter((one) => one !== task));
      },
    },
    process: figures,
  });
  return {
    memory,
    end,
    waiting: () => tasks.length,
    async look(cpuMs) {
      used += cpuMs;
      const due = tasks;
      tasks = [];
      for (const task of due) task();
      await new Promise(setImmediate);
    },
  };
}

test('what the start has left behind is given back at the first rest', async () => {
  const { look, memory } = bench();
  await look(3000);
  expect(memory.collected).toBe(0);
  await look(20);
  expect(memory.collected).toBe(1);
});

test('a second collection gives back what the first one still kept for more load, once it is at rest again', async () => {
  const { look, memory } = bench();
  await look(20);
  await look(3000);
  expect(memory.collected).toBe(1);
  await look(20);
  expect(memory.collected).toBe(2);
});

test('nothing is collected again until much more has come', async () => {
  const { look, memory } = bench();
  await look(20);
  await look(20);
  await look(20);
  memory.bytes += 5_000_000;
  await look(20);
  expect(memory.collected).toBe(2);
  memory.bytes += 5_000_000;
  await look(20);
  expect(memory.collected).toBe(3);
});

test('under load nothing is collected, however much there is', async () => {
  const { look, memory } = bench();
  await look(20);
  memory.bytes = 500_000_000;
  await look(4000);
  expect(memory.collected).toBe(1);
});

test('where it cannot be done it is not tried again and again', async () => {
  const { look, memory } = bench(() => Promise.reject(new Error('no such thing here')));
  for (let looks = 0; looks < 5; looks++) await look(20);
  expect(memory.collected).toBe(2);
});

test('once ended it looks no more', async () => {
  const { look, end, waiting } = bench();
  await look(20);
  end();
  expect(waiting()).toBe(0);
});
