import { spawn } from 'node:child_process';
import { expect, test } from 'vitest';
import { incomingLines, readLines } from '../../src/transport/incoming.ts';

const LINE = `{"jsonrpc":"2.0","method":"notifications/message","params":{"data":"${'x'.repeat(200)}"}}\n`;
const LINES = 40_000;

function nothingElse(): never {
  throw new Error('nothing but lines was sent');
}

test('everything else gets its turn between the chunks of a flood', async () => {
  const child = spawn(process.execPath, [
    '-e',
    `process.stdout.write(${JSON.stringify(LINE)}.repeat(${LINES}))`,
  ]);
  let lines = 0;
  let sinceTurn = 0;
  let most = 0;
  const turn = (): void => {
    sinceTurn = 0;
    if (lines < LINES) setImmediate(turn);
  };
  const all = new Promise<void>((resolve) => {
    const framing = incomingLines({
      server: 'flood',
      messageBytes: 1024,
      events: {
        message() {
          // Each costs something, so that the pipe is full again before the next chunk is read.
          for (const until = performance.now() + 0.005; performance.now() < until;);
          most = Math.max(most, ++sinceTurn);
          if (++lines === LINES) resolve();
        },
        failed: nothingElse,
        odd: nothingElse,
        closed: nothingElse,
      },
    });
    readLines(child.stdout, framing);
  });
  setImmediate(turn);
  await all;
  // The chunk that was read, and the one that was on its way already.
  expect(most).toBeLessThanOrEqual(Math.ceil((3 * 64 * 1024) / LINE.length));
});
