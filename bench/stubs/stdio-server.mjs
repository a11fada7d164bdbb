/** A downstream server over stdio that costs as little as can be. */
import { existsSync } from 'node:fs';
import { createAnswers } from './answers.mjs';
import { readOptions } from './options.mjs';

const options = readOptions();
const answer = createAnswers(options);
/** What does not answer a handshake answers nothing. */
const mute = options.mute !== undefined && existsSync(options.mute);
/** The start of a line whose end has not come. */
let held = [];

process.stdin.setEncoding('latin1');
process.stdin.on('data', (text) => {
  let out = '';
  let from = 0;
  for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', from)) {
    let line = text.slice(from, end);
    if (held.length > 0) {
      line = held.join('') + line;
      held = [];
    }
    const reply = mute ? undefined : answer(line);
    if (reply !== undefined && options.delay > 0 && line.includes('"tools/call"'))
      setTimeout(() => process.stdout.write(reply + '\n', 'latin1'), options.delay);
    else if (reply !== undefined) out += reply + '\n';
    from = end + 1;
  }
  if (from < text.length) held.push(from === 0 ? text : text.slice(from));
  if (out !== '') process.stdout.write(out, 'latin1');
});
process.stdin.on('end', () => process.exit(0));

if (options.behaviour === 'flood') flood();

/** Log messages as fast as they are taken. */
function flood() {
  const data = 'x'.repeat(200);
  const lines =
    `{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":"${data}"}}\n`.repeat(
      100,
    );
  const more = () => {
    if (process.stdout.write(lines)) setImmediate(more);
    else process.stdout.once('drain', more);
  };
  // Not before the handshake is through.
  setTimeout(more, 500);
}
