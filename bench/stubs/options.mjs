/**
 * The stubs' arguments: `--tools N --era legacy|modern --behaviour echo|hang|flood`; over stdio also `--delay MS` before
 * each answer of a tool, and `--mute FILE`: as long as that file is there, no handshake is answered.
 */
import { parseArgs } from 'node:util';

export function readOptions() {
  const { values } = parseArgs({
    options: {
      tools: { type: 'string', default: '3' },
      era: { type: 'string', default: 'legacy' },
      behaviour: { type: 'string', default: 'echo' },
      delay: { type: 'string', default: '0' },
      mute: { type: 'string' },
    },
  });
  return { ...values, tools: Number(values.tools), delay: Number(values.delay) };
}
