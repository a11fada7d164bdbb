/** One run at work in this process: its interpreter, its port, the questions it has open, who waits for it. */
import { Cancellation } from '../core/cancellation.ts';
import type { AskClient, Handler } from '../core/call.ts';
import type { Clock } from '../core/clock.ts';
import { messageOf } from '../core/errors.ts';
import { Json } from '../json/json.ts';
import type { Logger } from '../core/logger.ts';
import { formAsk, modelAsk } from './askable.ts';
import type { Attention } from './attention.ts';
import { type Caller, callTool, sampleModel } from './calls.ts';
import { checkInTime } from './definition/check-in-time.ts';
import { problemText } from './definition/problem.ts';
import type { Program } from './definition/program.ts';
import { JournalPort, Suspended } from './journal/journal-port.ts';
import type { Entry, RunRow, RunStatus } from './journal/journal.ts';
import type { JournalWriter } from './journal/journal-writer.ts';
import type { Limits } from './limits.ts';
import { type FormAnswer, formOf, readForm } from './question-form.ts';
import { type Host, InvalidInput, type OpenQuestion } from './run/host.ts';
import type { FlowEnd } from './run/flow-at-work.ts';
import { CANCEL, Run } from './run/run.ts';
import type { Result } from './run/step-state.ts';
import { type RunView, storedResult, type RunResult, viewOf } from './run-view.ts';
import { type Programs, type RunPlan } from './run-plan.ts';

export interface LiveRunOptions {
  readonly row: RunRow;
  readonly plan: RunPlan;
  readonly programs: Programs;
  readonly entries: readonly Entry[];
  /** `undefined`: only looks at what is on record. */
  readonly writer: JournalWriter | undefined;
  readonly caller: Caller;
  readonly handle: Handler;
  readonly clock: Clock;
  readonly timeOfDay: () => number;
  readonly newId: () => string;
  readonly limits: Limits;
  readonly log: Logger;
}

export class LiveRun {
  readonly #options: LiveRunOptions;
  readonly #port: JournalPort;
  readonly #run: Run;
  readonly #questions = new Map<string, OpenQuestion>();
  /** Questions that the client is being asked. */
  readonly #asking = new Map<string, Cancellation>();
  /** Those that it would not answer: asked again by another caller only. */
  readonly #refused = new Set<string>();
  readonly #waiters = new Set<() => void>();
  readonly #needClient = new Set<() => void>();
  #caller: Caller;
  #status: RunStatus;
  #end: RunResult | undefined;
  #finishedAt: number | null = null;
  #told = -1;
  #parked = false;
  /** It is about to end, whatever it waits for still. */
  #cancelled = false;
  #quiet = false;
  /** Its end is known; from now on nothing else is said about it. */
  #over = false;

  constructor(options: LiveRunOptions) {
    const { row, plan, programs, entries, writer, clock, timeOfDay, newId, limits } = options;
    this.#options = options;
    this.#caller = options.caller;
    this.#status = row.status;
    this.#port = new JournalPort({
      runId: row.id,
      startedAt: row.startedAt,
      entries,
      writer,
      clock,
      timeOfDay,
      newId,
      resultBytes: limits.resultBytes,
    });
    const seeds = plan.seeds && new Map<string, Result>(Object.entries(plan.seeds));
    this.#run = new Run({
      port: this.#port,
      host: this.#host(),
      limits,
      program: programs.main,
      input: plan.input,
      ...(seeds && { seeds }),
    });
  }

  get id(): string {
    return this.#options.row.id;
  }

  get client(): string {
    return this.#options.row.client;
  }

  get ended(): boolean {
    return this.#finishedAt !== null;
  }

  /** Nothing goes on until somebody says something. */
  get parked(): boolean {
    return this.#parked;
  }

  get questions(): readonly OpenQuestion[] {
    return [...this.#questions.values()];
  }

  get view(): RunView {
    const { row } = this.#options;
    const now = { ...row, status: this.#status, finishedAt: this.#finishedAt };
    return viewOf(now, this.#end ?? { steps: this.#run.steps, attention: this.#attention() });
  }

  /** Runs to the end; an end that comes of closing or of a broken journal is no end of the run. */
  async play(): Promise<void> {
    const { log, writer } = this.#options;
    try {
      const end = await this.#run.play(() => this.#idle());
      this.#over = true;
      await this.#finish(end);
    } catch (error) {
      if (error instanceof Suspended) {
        this.#quiet = true;
        return;
      }
      this.#over = true;
      this.#port.close(messageOf(error));
      this.#status = 'needs_attention';
      this.#end = {
        error: { code: 'NEEDS_ATTENTION', message: `the run cannot go on: ${messageOf(error)}` },
        steps: this.#run.steps,
      };
      log.error({ run: this.id, why: messageOf(error) }, 'a workflow run cannot go on');
    } finally {
      if (writer) this.#notify();
    }
  }

  /** Until the run ends, or waits for somebody who is not being asked. */
  async untilStill(): Promise<RunView> {
    while (
      !this.ended &&
      this.#end === undefined &&
      !(this.#parked && this.#asking.size === 0) &&
      !this.#quiet
    )
      await new Promise<void>((wake) => this.#waiters.add(wake));
    return this.view;
  }

  /** Until all that is on record has been played again. */
  async untilReplayed(): Promise<void> {
    while (!this.#port.caughtUp && this.#end === undefined && !this.#quiet)
      await new Promise<void>((wake) => this.#waiters.add(wake));
  }

  /** Somebody waits for the run from now on, and can be asked. @returns a function that ends it. */
  attach(caller: Caller): () => void {
    this.#caller = caller;
    this.#refused.clear();
    if (modelAsk(caller)) {
      for (const wake of this.#needClient) wake();
      this.#needClient.clear();
    }
    if (this.#port.caughtUp) this.#askOpen();
    return () => {
      if (this.#caller !== caller) return;
      this.#caller = { client: caller.client };
      for (const asking of this.#asking.values()) asking.cancel('nobody waits for the run any more');
    };
  }

  async answer(key: string, answer: FormAnswer): Promise<void> {
    this.#questions.delete(key);
    this.#parked = false;
    this.#port.note({ who: answer.by, what: answer.decision, about: key });
    await this.#port.deliver(key, answer);
  }

  async cancel(by: string): Promise<void> {
    if (this.ended) return;
    this.#cancelled = true;
    this.#parked = false;
    this.#port.note({ who: by, what: 'cancel' });
    await this.#port.deliver(CANCEL, { by });
  }

  drain(): void {
    this.#port.drain();
  }

  get inFlight(): number {
    return this.#port.inFlight;
  }

  close(reason: string): void {
    this.#port.close(reason);
    for (const asking of this.#asking.values()) asking.cancel(reason);
  }

  async #finish(end: FlowEnd): Promise<void> {
    const { writer, timeOfDay } = this.#options;
    const attention = this.#run.notes.map((note): Attention => ({ ...note }));
    const stored: RunResult = {
      ...(end.output !== undefined && { output: end.output }),
      ...(end.error && { error: end.error }),
      steps: this.#run.steps,
      attention,
    };
    if (!writer) {
      this.#end = stored;
      return;
    }
    const finishedAt = timeOfDay();
    await writer.write({
      type: 'status',
      runId: this.id,
      status: end.status,
      finishedAt,
      result: storedResult(stored),
      owner: '',
    });
    this.#end = stored;
    this.#status = end.status;
    this.#finishedAt = finishedAt;
    this.#progress();
  }

  #attention(): Attention[] {
    const open = [...this.#questions.values()].map(({ step, question, options, by }): Attention => ({
      step,
      question,
      options,
      by,
    }));
    const client =
      this.#needClient.size > 0
        ? [
            {
              step: '',
              question:
                'A step asks the model of a client: call resume_workflow from a client that can sample.',
              options: [],
            },
          ]
        : [];
    return [...open, ...client, ...this.#run.notes.map((note): Attention => ({ ...note }))];
  }

  #host(): Host {
    const { handle, clock, plan, programs, limits } = this.#options;
    const safe = new Set(plan.safe);
    return {
      callTool: (call) => callTool(call, { handle, clock, caller: this.#caller, onProgress: () => {} }),
      sample: async (sample) => {
        if (!modelAsk(this.#caller) && this.#options.entries.length > 0) await this.#client(sample.signal);
        return await sampleModel(sample, {
          ask: modelAsk(this.#caller),
          clock,
          checkMs: limits.evaluationMs,
        });
      },
      safeToRepeat: (tool) => safe.has(tool),
      program: (name) => programs.saved.get(name) as Program,
      checkInput: (schema, input) => {
        if (!schema) return input;
        const { problems, value } = checkInTime(schema, input, { path: 'input', ms: limits.evaluationMs });
        if (problems.length > 0) throw new InvalidInput(problems.map(problemText).join('; '));
        return value;
      },
      asked: (question) => this.#questions.set(question.key, question),
      answered: (key) => {
        this.#questions.delete(key);
        this.#asking.get(key)?.cancel('answered');
        this.#asking.delete(key);
      },
    };
  }

  /** A run that goes on after a crash has nobody to ask until somebody comes. */
  async #client(signal: Cancellation): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#needClient.add(resolve);
      signal.onCancel(() => resolve());
      this.#park();
    });
  }

  #idle(): void {
    if (!this.#port.caughtUp) return;
    this.#askOpen();
    this.#park();
    this.#progress();
  }

  #park(): void {
    if (this.#over) return;
    this.#parked = !this.#cancelled && this.#waitsForSomebody();
    const status: RunStatus = this.#parked && this.#asking.size === 0 ? 'needs_attention' : 'running';
    if (status !== this.#status && this.#options.writer) {
      this.#status = status;
      const result = status === 'running' ? null : storedResult({ attention: this.#attention() });
      this.#options.writer
        .write({ type: 'status', runId: this.id, status, finishedAt: null, result })
        .catch(() => {});
    }
    this.#notify();
  }

  #waitsForSomebody(): boolean {
    const asleep = this.#needClient.size;
    if (asleep + this.#questions.size === 0) return false;
    const { calls, timers, questions } = this.#run.activity;
    // One that is answered already goes on in a moment.
    const answered = questions > this.#questions.size;
    return calls - asleep <= 0 && timers === 0 && questions + asleep > 0 && !answered;
  }

  #notify(): void {
    for (const wake of this.#waiters) wake();
    this.#waiters.clear();
  }

  #progress(): void {
    if (!this.#caller.onProgress) return;
    const { done, total, running } = this.#run.progress;
    if (done <= this.#told) return;
    this.#told = done;
    const message =
      running.length === 0 ? `${done} of ${total} steps done` : `running: ${running.slice(0, 5).join(', ')}`;
    this.#caller.onProgress(Json.of({ progress: done, total, message }));
  }

  #askOpen(): void {
    const ask = formAsk(this.#caller);
    if (!ask) return;
    for (const question of this.#questions.values()) {
      if (this.#asking.has(question.key) || this.#refused.has(question.key)) continue;
      const signal = new Cancellation();
      this.#asking.set(question.key, signal);
      void this.#elicit(question, ask, signal);
    }
  }

  async #elicit(question: OpenQuestion, ask: AskClient, signal: Cancellation): Promise<void> {
    const { key } = question;
    try {
      const params = Json.of({ mode: 'form', message: question.question, requestedSchema: formOf(question) });
      const result = await ask({ method: 'elicitation/create', params, server: 'switchyard', signal });
      const answer = this.#questions.get(key) === question ? readForm(question, result.exact) : undefined;
      if (answer) await this.answer(key, answer);
      else this.#refused.add(key);
    } catch (error) {
      this.#refused.add(key);
      if (!signal.cancelled)
        this.#options.log.debug({ run: this.id, why: messageOf(error) }, 'the client did not answer');
    } finally {
      if (this.#asking.get(key) === signal) this.#asking.delete(key);
      this.#park();
    }
  }
}
