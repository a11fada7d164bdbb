import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { afterEach, expect, test } from 'vitest';
import { incomingLines, readLines } from '../../../src/transport/message-reader.ts';
import type { LinkEvents } from '../../../src/transport/link.ts';
import { openWebSocket } from '../../../src/transport/websocket.ts';

const MESSAGE = `{"jsonrpc":"2.0","method":"notifications/message","params":{"data":"${'x'.repeat(200)}"}}`;
const MESSAGES = 40_000;
/** Two chunks: the one that was read, and the one that was on its way already; and as much again to be sure. */
const AT_ONCE = Math.ceil((4 * 64 * 1024) / MESSAGE.length);

let child: ChildProcessWithoutNullStreams | undefined;
afterEach(() => child?.kill());

/** Runs a script that has the flood's MESSAGE and MESSAGES. */
function run(script: string): ChildProcessWithoutNullStreams {
  const given = `const MESSAGE = ${JSON.stringify(MESSAGE)}, MESSAGES = ${MESSAGES};`;
  return (child = spawn(process.execPath, ['-e', given + script]));
}

/** Takes the flood in. @returns the most messages that came within one turn of the loop. */
function mostInATurn(read: (events: LinkEvents) => void): Promise<number> {
  let messages = 0;
  let sinceTurn = 0;
  let most = 0;
  const turn = (): void => {
    sinceTurn = 0;
    if (messages < MESSAGES) setImmediate(turn);
  };
  setImmediate(turn);
  return new Promise((resolve, reject) => {
    const nothingElse = (what: unknown): void => reject(new Error(`not a message: ${String(what)}`));
    read({
      message() {
        // Each costs something, so that more has come before the next chunk is read.
        for (const until = performance.now() + 0.005; performance.now() < until;);
        most = Math.max(most, ++sinceTurn);
        if (++messages === MESSAGES) resolve(most);
      },
      failed: nothingElse,
      odd: nothingElse,
      closed: nothingElse,
    });
  });
}

test('everything else gets its turn between the chunks of a flood of lines', async () => {
  const { stdout } = run(`process.stdout.write((MESSAGE + '\\n').repeat(MESSAGES))`);
  const most = await mostInATurn((events) =>
    readLines(stdout, incomingLines({ server: 'flood', messageBytes: 1024, events })),
  );
  expect(most).toBeLessThanOrEqual(AT_ONCE);
});

test('everything else gets its turn in a flood over a WebSocket', async () => {
  const { stdout } = run(`
    const server = new (require('ws').WebSocketServer)({ port: 0, host: '127.0.0.1' });
    server.on('listening', () => console.log(server.address().port));
    server.on('connection', (socket) => {
      for (let i = 0; i < MESSAGES; i++) socket.send(MESSAGE);
    });`);
  const [port] = (await once(createInterface(stdout), 'line')) as [string];
  const most = await mostInATurn((events) => {
    openWebSocket({
      describe: 'flood',
      url: `ws://127.0.0.1:${port}/mcp`,
      limits: { messageBytes: 1024, queueBytes: 1024 },
      connectTimeoutMs: 5000,
    })(events);
  });
  expect(most).toBeLessThanOrEqual(AT_ONCE);
});
