/**
 * Reads the config again when its files change or somebody asks for it; a config that cannot be used is
 * logged once, and the last good one stays.
 */
import type { Clock } from '../../core/clock.ts';
import { messageOf } from '../../core/errors.ts';
import type { Logger } from '../../core/logger.ts';
import type { Config } from '../config.ts';
import { fileStamp, type Watch, watchFiles } from './watch.ts';

/** Watching begins late: the first answers are more important. */
const WATCH_AFTER_MS = 500;
/** A file that is being written may be empty or cut for a moment. */
const SETTLES_MS = 250;

export interface ConfigReloaderOptions {
  /** The files that were read for the first config, and how they were then. */
  readonly marks: ReadonlyMap<string, string>;
  /** Loads the config, and calls `onRead` for each file. @throws ConfigError */
  readonly load: (onRead: (file: string) => void) => Promise<Config>;
  readonly apply: (config: Config) => void;
  readonly clock: Clock;
  readonly log: Logger;
}

export class ConfigReloader {
  readonly #options: ConfigReloaderOptions;
  /** The files that were read last, and how they were then. */
  #marks: ReadonlyMap<string, string>;
  #loading: Promise<void> | undefined;
  #again = false;
  #complaint: string | undefined;
  #watch: Watch | undefined;
  #watched = '';
  #cancelWatch: (() => void) | undefined;
  #closed = false;
  #hurry: (() => void) | undefined;

  constructor(options: ConfigReloaderOptions) {
    this.#options = options;
    this.#marks = options.marks;
    this.#cancelWatch = options.clock.after(WATCH_AFTER_MS, () => void this.#watchAll());
  }

  /** Reads again; during a reading, once more after it. */
  now(): void {
    this.#again = true;
    this.#loading ??= this.#run().finally(() => (this.#loading = undefined));
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#cancelWatch?.();
    this.#hurry?.();
    await this.#loading;
    await this.#watch?.close();
  }

  async #load(): Promise<Config> {
    const marks = new Map<string, string>();
    try {
      return await this.#options.load((file) => marks.set(file, fileStamp(file)));
    } finally {
      this.#marks = marks;
    }
  }

  async #run(): Promise<void> {
    const { apply, log } = this.#options;
    let isSecondLook = false;
    while (this.#again && !this.#closed) {
      this.#again = false;
      try {
        const config = await this.#load();
        if (this.#closed) return;
        apply(config);
        this.#complaint = undefined;
        isSecondLook = false;
      } catch (error) {
        if (!isSecondLook) {
          isSecondLook = this.#again = true;
          await this.#settled();
          continue;
        }
        isSecondLook = false;
        const why = messageOf(error);
        if (why !== this.#complaint)
          log.error({ why }, 'the changed config cannot be used: the last good one stays in force');
        this.#complaint = why;
      }
      await this.#watchAll();
    }
  }

  #settled(): Promise<void> {
    return new Promise((resolve) => {
      const stop = this.#options.clock.after(SETTLES_MS, resolve);
      this.#hurry = () => {
        stop();
        resolve();
      };
    });
  }

  /** The files to watch may change with their content. */
  async #watchAll(): Promise<void> {
    const { clock, log } = this.#options;
    const files = [...this.#marks.keys()].sort().join('\n');
    if (this.#closed || files === this.#watched) return;
    this.#watched = files;
    const failed = (error: unknown): void =>
      log.warn({ why: messageOf(error) }, 'the config cannot be watched: send SIGHUP to have it read again');
    const before = this.#watch;
    try {
      this.#watch = await watchFiles(this.#marks, { clock, changed: () => this.now(), failed });
      if (this.#closed) await this.#watch.close();
    } catch (error) {
      failed(error);
    }
    await before?.close();
  }
}
