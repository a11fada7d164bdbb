/** The surroundings of one run: tools and the client's model, as the run may use them at the moment. */
import type { Cancellation } from '../../core/cancellation.ts';
import type { Handler } from '../../core/call.ts';
import type { Clock } from '../../core/clock.ts';
import type { JsonObject } from '../../json/json.ts';
import { type Caller, callTool, sampleModel } from '../calls.ts';
import { checkInTime } from '../definition/check-in-time.ts';
import { problemText } from '../definition/problem.ts';
import type { Program } from '../definition/program.ts';
import type { Limits } from '../limits.ts';
import { modelAsk } from '../questions/askable.ts';
import type { OpenQuestions } from '../questions/open-questions.ts';
import { type Host, InvalidInput, type OpenQuestion, type Sample, type ToolCall } from '../run/host.ts';
import type { Outcome } from '../run/port.ts';
import type { Programs, RunPlan } from '../run-plan.ts';

export interface RunHostOptions {
  readonly plan: RunPlan;
  readonly programs: Programs;
  readonly handle: Handler;
  readonly clock: Clock;
  readonly limits: Limits;
  readonly questions: OpenQuestions;
  readonly caller: () => Caller;
  /** The run was on record already: its client may not be there any more. */
  readonly resumed: boolean;
  /** A step waits for a client from now on. */
  readonly waits: () => void;
}

export class RunHost implements Host {
  readonly #options: RunHostOptions;
  readonly #safe: ReadonlySet<string>;
  readonly #waiting = new Set<() => void>();

  constructor(options: RunHostOptions) {
    this.#options = options;
    this.#safe = new Set(options.plan.safe);
  }

  /** The number of steps that wait for a client whose model can be asked. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** A client whose model can be asked is there. */
  clientCame(): void {
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }

  async callTool(call: ToolCall): Promise<Outcome> {
    const { handle, clock, caller } = this.#options;
    return await callTool(call, { handle, clock, caller: caller(), onProgress: () => {} });
  }

  async sample(sample: Sample): Promise<Outcome> {
    const { clock, limits, caller, resumed } = this.#options;
    if (resumed && !modelAsk(caller())) await this.#untilClient(sample.signal);
    return await sampleModel(sample, { ask: modelAsk(caller()), clock, checkMs: limits.evaluationMs });
  }

  safeToRepeat(tool: string): boolean {
    return this.#safe.has(tool);
  }

  program(name: string): Program {
    return this.#options.programs.saved.get(name) as Program;
  }

  checkInput(schema: JsonObject | undefined, input: unknown): unknown {
    if (!schema) return input;
    const ms = this.#options.limits.evaluationMs;
    const { problems, value } = checkInTime(schema, input, { path: 'input', ms });
    if (problems.length > 0) throw new InvalidInput(problems.map(problemText).join('; '));
    return value;
  }

  asked(question: OpenQuestion): void {
    this.#options.questions.add(question);
  }

  answered(key: string): void {
    this.#options.questions.settle(key);
  }

  /** A run that goes on after a crash has nobody to ask until a client comes. */
  async #untilClient(signal: Cancellation): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#waiting.add(resolve);
      signal.onCancel(() => resolve());
      this.#options.waits();
    });
  }
}
