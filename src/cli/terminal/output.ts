/**
 * Where a command writes: results to stdout, everything else to stderr.
 *
 * With `--json` stdout gets one JSON document and nothing else.
 */
import { printExact } from '../../json/exact-json.ts';
import picocolors from 'picocolors';
import type { Column } from './table.ts';

export interface OutputOptions {
  readonly json: boolean;
  readonly noColor: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdout: Stream;
  readonly stderr: Stream;
}

/** The part of a terminal's stream that is used. */
export interface Stream {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

/** The width where nobody tells one. */
const WIDTH = 100;
/** Work that takes less time shows no progress. */
const PROGRESS_AFTER_MS = 1000;
const PROGRESS_EVERY_MS = 100;
const FRAMES = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];

export type Colors = ReturnType<typeof picocolors.createColors>;

export class Output {
  readonly json: boolean;
  /** Paints nothing where colours are not wanted. */
  readonly colors: Colors;
  readonly #options: OutputOptions;

  constructor(options: OutputOptions) {
    this.#options = options;
    this.json = options.json;
    const { env, stdout, noColor, json } = options;
    const wanted =
      stdout.isTTY === true && !noColor && !json && (env['NO_COLOR'] ?? '') === '' && env['TERM'] !== 'dumb';
    this.colors = picocolors.createColors(wanted);
  }

  /** People look at it, and may be shown what moves. */
  get interactive(): boolean {
    return this.#options.stdout.isTTY === true && !this.json;
  }

  /** `progress` shows a line that moves. */
  get moves(): boolean {
    return this.#options.stderr.isTTY === true && !this.json;
  }

  get width(): number {
    return this.#options.stdout.columns ?? WIDTH;
  }

  /** The one document of `--json`. */
  document(value: unknown): void {
    this.#options.stdout.write(`${printExact(value, 2)}\n`);
  }

  /** A line for people; nothing with `--json`. */
  line(text = ''): void {
    if (!this.json) this.#options.stdout.write(`${text}\n`);
  }

  /** A table for people; nothing with `--json`. */
  async table(columns: readonly Column[], rows: readonly (readonly string[])[]): Promise<void> {
    // Loaded here: measuring text takes longer to load than a proxy takes to parse its arguments.
    const { textTable } = await import('./table.ts');
    const titled = columns.map((column) => ({ ...column, title: this.colors.dim(column.title) }));
    for (const line of textTable(titled, rows, this.width)) this.line(line);
  }

  /** A remark that is no result: to stderr. */
  note(text: string): void {
    this.#options.stderr.write(`${text}\n`);
  }

  /**
   * Shows on stderr, if it is a terminal, that `work` is still going on, once it takes longer than a second.
   *
   * @param text is asked again for every frame.
   */
  async progress<T>(text: () => string, work: Promise<T>): Promise<T> {
    const { stderr } = this.#options;
    if (!this.moves) return work;
    const began = performance.now();
    let frame = 0;
    let shown = false;
    const timer = setInterval(() => {
      if (performance.now() - began < PROGRESS_AFTER_MS) return;
      shown = true;
      stderr.write(`\r\u001b[K${FRAMES[frame++ % FRAMES.length] ?? ''} ${text()}`);
    }, PROGRESS_EVERY_MS);
    try {
      return await work;
    } finally {
      clearInterval(timer);
      if (shown) stderr.write('\r\u001b[K');
    }
  }
}
