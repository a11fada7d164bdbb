/** Follows a run of a workflow in the terminal: its steps as they go on, its questions at the prompt. */
import { createInterface } from 'node:readline/promises';
import { isObject } from '../../json/json.ts';
import type { Attention } from '../../workflow/questions/attention.ts';
import type { RunView } from '../../workflow/run-view.ts';
import type { Workflows } from '../../workflow/workflows.ts';
import type { Output } from '../terminal/output.ts';
import { plain } from '../terminal/sanitize.ts';
import { stepLines } from './run-tree.ts';

export interface Followed {
  readonly workflows: Workflows;
  readonly runId: string;
  readonly output: Output;
  /** Questions can be answered: a person sits at the terminal. */
  readonly canAsk: boolean;
}

const LOOK_EVERY_MS = 80;
const ENDED: ReadonlySet<string> = new Set(['succeeded', 'failed', 'cancelled', 'rolled_back']);

/**
 * Until it has ended, or asks what nobody here can answer. The first Ctrl-C cancels the run, and waits for what that
 * brings.
 */
export async function follow({ workflows, runId, output, canAsk }: Followed): Promise<RunView> {
  const picture = output.interactive ? new Picture(output) : new Changes(output);
  let cancelling: Promise<unknown> | undefined;
  const cancel = (): void => {
    picture.leave();
    output.note(cancelling ? 'still cancelling' : 'cancelling');
    cancelling ??= workflows.cancel(runId, 'operator').catch(() => {});
  };
  process.on('SIGINT', cancel).on('SIGTERM', cancel);
  try {
    for (;;) {
      const view = await workflows.show(runId, 'operator');
      await picture.show(view);
      if (isFinished(view)) return view;
      const [question] = view.attention ?? [];
      if (question && !cancelling) {
        if (!canAsk || question.options.length === 0) return view;
        picture.leave();
        const decision = await decided(question);
        if (decision === undefined) return view;
        await workflows.resume({ runId, decision, step: question.step }, 'operator');
      }
      await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
    }
  } finally {
    picture.leave();
    process.off('SIGINT', cancel).off('SIGTERM', cancel);
  }
}

export function isFinished({ status, finished_at: finishedAt }: RunView): boolean {
  return finishedAt !== undefined || ENDED.has(status);
}

/** @returns `undefined`: nobody wants to answer now. */
async function decided({ step, question, options }: Attention): Promise<string | undefined> {
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const closed = new Promise<undefined>((resolve) => lines.once('close', () => resolve(undefined)));
    for (;;) {
      const asked = lines.question(`${step}: ${plain(question)} (${options.join(', ')}) `);
      const answer = (await Promise.race([asked, closed]))?.trim().toLowerCase();
      if (answer === undefined) return undefined;
      const fitting = options.filter((option) => answer !== '' && option.startsWith(answer));
      if (fitting.length === 1) return fitting[0];
    }
  } finally {
    lines.close();
  }
}

/** Drawn over itself as it changes. */
class Picture {
  readonly #output: Output;
  #drawn = 0;

  constructor(output: Output) {
    this.#output = output;
  }

  async show(view: RunView): Promise<void> {
    // Loaded here: measuring text takes a while to load.
    const { cut } = await import('../terminal/table.ts');
    const all = [headline(view), ...stepLines(stepsOf(view), this.#output.colors, Date.now())];
    const room = Math.max(2, (process.stdout.rows ?? 24) - 2);
    const lines = all.length <= room ? all : [...all.slice(0, room - 1), `  … ${all.length - room + 1} more`];
    const up = this.#drawn === 0 ? '' : `\u001b[${this.#drawn}A`;
    const text = lines.map((line) => `\r\u001b[K${cut(line, this.#output.width - 1)}\n`).join('');
    process.stdout.write(`${up}${text}\u001b[J`);
    this.#drawn = lines.length;
  }

  /** Leaves the last drawing on the screen. */
  leave(): void {
    this.#drawn = 0;
  }
}

/** A line for whatever has changed. */
class Changes {
  readonly #output: Output;
  #before = new Set<string>();

  constructor(output: Output) {
    this.#output = output;
  }

  show(view: RunView): Promise<void> {
    const steps = Object.entries(stepsOf(view)).filter(
      ([, step]) => isObject(step) && step['status'] !== 'pending',
    );
    for (const [id, step] of steps) {
      const { status, attempts } = step as { readonly status?: unknown; readonly attempts?: unknown };
      const key = JSON.stringify([id, status, attempts]);
      if (this.#before.has(key)) continue;
      this.#before.add(key);
      for (const line of stepLines({ [id]: step }, this.#output.colors, Date.now(), ''))
        this.#output.line(line);
    }
    return Promise.resolve();
  }

  leave(): void {}
}

function stepsOf({ steps }: RunView): NonNullable<RunView['steps']> {
  return steps ?? {};
}

function headline({ workflow, status, run_id: id }: RunView): string {
  return `${plain(workflow)}: ${status.replaceAll('_', ' ')} (${id})`;
}
