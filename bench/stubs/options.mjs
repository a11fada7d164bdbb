/** The stubs' arguments: `--tools N --era legacy|modern --behaviour echo|hang|flood`. */
import { parseArgs } from 'node:util';

export function readOptions() {
  const { values } = parseArgs({
    options: {
      tools: { type: 'string', default: '3' },
      era: { type: 'string', default: 'legacy' },
      behaviour: { type: 'string', default: 'echo' },
    },
  });
  return { ...values, tools: Number(values.tools) };
}
