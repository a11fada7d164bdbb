/** A screen that is drawn anew as its content changes, until the user ends it or its matter is over. */
import type { JsonObject } from '../../json/json.ts';
import { messageOf } from '../../core/errors.ts';
import type { Output } from './output.ts';
import { cut } from './table.ts';

export interface LiveScreenOptions {
  readonly output: Output;
  readonly first: readonly JsonObject[];
  readonly next: () => Promise<readonly JsonObject[]>;
  readonly lines: (found: readonly JsonObject[]) => readonly string[];
  readonly everyMs?: number;
  /** Ends the screen, too. */
  readonly until?: Promise<unknown>;
}

const EVERY_MS = 1000;
/** q, Ctrl-C and Ctrl-D: a terminal in raw mode sends them as they are. */
const ENDING_KEYS: ReadonlySet<number> = new Set([0x71, 0x03, 0x04]);
/** The alternate screen without a cursor, and back. */
const ENTER = '\u001b[?1049h\u001b[?25l';
const LEAVE = '\u001b[?25h\u001b[?1049l';
const HOME = '\u001b[H';
const CLEAR_LINE = '\u001b[K';
const CLEAR_BELOW = '\u001b[J';

/** Ends with q, Ctrl-C or SIGTERM, and leaves the terminal as it was. @returns whether the user ended it. */
export async function liveScreen(options: LiveScreenOptions): Promise<boolean> {
  const { output, first, next, lines, everyMs = EVERY_MS, until } = options;
  const { stdin, stdout } = process;
  let found = first;
  let trouble = '';
  const draw = (): void => {
    const foot = trouble === '' ? output.colors.dim('q quits') : output.colors.red(trouble);
    const all = [...(found.length === 0 ? ['No proxy runs for this config.'] : lines(found)), '', foot];
    const shown = all.slice(0, Math.max(1, (stdout.rows ?? all.length) - 1));
    stdout.write(HOME + shown.map((line) => cut(line, output.width) + CLEAR_LINE).join('\r\n') + CLEAR_BELOW);
  };
  return new Promise<boolean>((resolve) => {
    let over = false;
    let timer: NodeJS.Timeout | undefined;
    const end = (byUser: boolean): void => {
      if (over) return;
      over = true;
      clearTimeout(timer);
      stdout.off('resize', draw);
      stdin.off('data', pressed);
      process.off('SIGTERM', left).off('SIGINT', left);
      if (stdin.isTTY) stdin.setRawMode(false);
      stdin.pause();
      stdout.write(LEAVE);
      resolve(byUser);
    };
    const left = (): void => end(true);
    const done = (): void => end(false);
    const pressed = (keys: Buffer): void => {
      if (keys.some((key) => ENDING_KEYS.has(key))) left();
    };
    const refresh = async (): Promise<void> => {
      try {
        found = await next();
        trouble = '';
      } catch (error) {
        trouble = messageOf(error);
      }
      if (over) return;
      draw();
      timer = setTimeout(() => void refresh(), everyMs);
    };
    stdout.write(ENTER);
    if (stdin.isTTY) stdin.setRawMode(true);
    stdin.on('data', pressed);
    stdout.on('resize', draw);
    process.on('SIGTERM', left).on('SIGINT', left);
    until?.then(done, done);
    draw();
    timer = setTimeout(() => void refresh(), everyMs);
  });
}
