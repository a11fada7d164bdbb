/** The workflows that can be run: saved ones, read again when a file changes, and definitions in a call. */
import type { Client } from '../../core/call.ts';
import type { Logger } from '../../core/logger.ts';
import type { Compile } from '../../expression/compile.ts';
import type { Problem } from '../definition/problem.ts';
import type { Limits } from '../limits.ts';
import type { Tools } from '../tools.ts';
import { describeSaved, type SavedWorkflow } from './describe-saved.ts';
import { type ReadWorkflow, readWorkflow } from './read-workflow.ts';
import { type SavedFile, type SavedWorkflows, watchSaved } from './saved.ts';

export interface LibraryOptions {
  readonly files: readonly string[];
  /** The folder that relative globs start from. */
  readonly folder: string;
  readonly limits: Limits;
  readonly compile: Compile;
  readonly log: Logger;
  /** The tools that a client sees; without a client, those that all clients see. */
  readonly tools: (client: Client | undefined) => Tools;
  /** Waits, for a bounded time, until the servers that are coming up have listed their tools. */
  readonly settled?: (client: Client | undefined) => Promise<void>;
  /** Saved workflows have been added, changed or removed. */
  readonly savedChanged?: () => void;
}

export class Library {
  readonly #options: LibraryOptions;
  #files: readonly SavedFile[] = [];
  #watching: SavedWorkflows | undefined;

  constructor(options: LibraryOptions) {
    this.#options = options;
  }

  /** Reads the saved workflows once before it returns. */
  async open(): Promise<void> {
    const { files: globs, folder, limits, log, savedChanged } = this.#options;
    this.#watching = await watchSaved({
      globs,
      folder,
      maxBytes: limits.definitionBytes,
      log,
      changed: (found) => {
        this.#files = found;
        savedChanged?.();
      },
    });
  }

  async close(): Promise<void> {
    await this.#watching?.close();
  }

  get names(): readonly string[] {
    return this.#files.map(({ name }) => name);
  }

  describe(): readonly SavedWorkflow[] {
    const { tools, limits, compile } = this.#options;
    const lookup = { files: this.#files, limits, compile };
    return this.#files.map((file) => describeSaved(file, tools(undefined), lookup));
  }

  /** @param workflow a saved name, or a definition. */
  async read(
    workflow: unknown,
    client: Client | undefined,
  ): Promise<ReadWorkflow | { readonly errors: readonly Problem[] }> {
    const { settled } = this.#options;
    const read = this.#readNow(workflow, client);
    // A tool that is missing may be one of a server that is coming up.
    if (!('errors' in read) || !settled) return read;
    await settled(client);
    return this.#readNow(workflow, client);
  }

  #readNow(workflow: unknown, client: Client | undefined): ReturnType<typeof readWorkflow> {
    const { tools, limits, compile } = this.#options;
    return readWorkflow(workflow, tools(client), { files: this.#files, limits, compile });
  }
}
