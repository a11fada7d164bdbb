/** A command's declaration, from which help, parsing and shell completion are made. */
import type { HostEnvironment } from '../config/folders.ts';
import type { Output } from './terminal/output.ts';

export interface Command {
  readonly name: string;
  /** The words behind the name in a usage line: `NAME [KEY=VALUE…]`. */
  readonly takes: string;
  /** One line, as in a list of commands. */
  readonly summary: string;
  /** More than the summary says; lines of at most 100 characters. */
  readonly about?: string;
  readonly options: Readonly<Record<string, Option>>;
  /** Whole command lines that work. */
  readonly examples: readonly string[];
  /** Words without dashes are taken; otherwise they are wrong use. */
  readonly positionals: boolean;
  /** @returns the exit code: 0 done, 1 it failed. @throws UsageError | ConfigError for 2. */
  readonly run: (input: Input) => Promise<number>;
}

/** A command by its name, mostly loaded when it is wanted. */
export interface CommandEntry {
  readonly name: string;
  readonly load: () => Command | Promise<Command>;
}

export interface Option {
  readonly type: 'string' | 'boolean';
  readonly multiple?: boolean;
  readonly short?: string;
  /** The name of the value in help; only string options have one. */
  readonly value?: string;
  readonly about: string;
}

export interface Input {
  readonly options: Options;
  readonly positionals: readonly string[];
  /** The words behind `--`. */
  readonly rest: readonly string[];
  /** `--config`, in the order given. */
  readonly configFiles: readonly string[];
  readonly machine: HostEnvironment;
  readonly output: Output;
}

/** The values of a command's own options. */
export class Options {
  readonly #values: ReadonlyMap<string, unknown>;

  constructor(values: ReadonlyMap<string, unknown>) {
    this.#values = values;
  }

  /** A string option's value, the last one given. */
  text(name: string): string | undefined {
    return this.texts(name).at(-1);
  }

  /** All values of a repeatable option. */
  texts(name: string): readonly string[] {
    const value = this.#values.get(name);
    const values: readonly unknown[] = Array.isArray(value) ? value : [value];
    return values.filter((one) => typeof one === 'string');
  }

  flag(name: string): boolean {
    return this.#values.get(name) === true;
  }

  /** Values between commas, from all times that the option was given. */
  list(name: string): readonly string[] {
    return this.texts(name)
      .flatMap((text) => text.split(',').map((one) => one.trim()))
      .filter((one) => one !== '');
  }
}

/** The options of every command. */
export const COMMON_OPTIONS: Readonly<Record<string, Option>> = {
  config: {
    type: 'string',
    multiple: true,
    value: 'FILE',
    about:
      'the config; repeatable, later files win server by server (default: $SWITCHYARD_CONFIG, ./switchyard.json|yaml|toml, the user’s config folder)',
  },
  json: { type: 'boolean', about: 'one JSON document on stdout, nothing else' },
  'no-color': { type: 'boolean', about: 'no colours' },
  help: { type: 'boolean', short: 'h', about: 'print this' },
};

/** Wrong use of the command line: exit code 2, the message alone. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}
