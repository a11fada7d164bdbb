/** Lines to and from a child process; what is sent in one turn is written at once. */
import type { Readable, Writable } from 'node:stream';
import type { OpenWire } from './wire.ts';

export function stdioWire(stdin: Writable, stdout: Readable): OpenWire {
  return (message) => {
    let joined = '';
    let held: string[] = [];
    const flush = (): void => {
      const text = joined;
      joined = '';
      stdin.write(text, 'latin1');
    };
    stdin.on('error', () => {
      // The process is gone; whoever waits for an answer runs into its own limit.
    });
    stdout.setEncoding('latin1');
    stdout.on('data', (text: string) => {
      let from = 0;
      for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', from)) {
        let line = text.slice(from, end);
        if (held.length > 0) {
          line = held.join('') + line;
          held = [];
        }
        from = end + 1;
        message(line);
      }
      if (from < text.length) held.push(from === 0 ? text : text.slice(from));
    });
    return {
      send(body) {
        if (joined === '') queueMicrotask(flush);
        joined += body + '\n';
      },
      close: () => void stdin.end(),
    };
  };
}
