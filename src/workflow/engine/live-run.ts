/** One run at work in this process: the interpreter, its record, its open questions, and the caller that waits for it. */
import type { Handler } from '../../core/call.ts';
import type { Clock } from '../../core/clock.ts';
import { messageOf } from '../../core/errors.ts';
import type { Logger } from '../../core/logger.ts';
import type { Caller } from '../calls.ts';
import { JournalPort, Suspended } from '../journal/journal-port.ts';
import type { JournalWriter } from '../journal/journal-writer.ts';
import type { Entry, RunRow, RunStatus } from '../journal/journal.ts';
import type { Limits } from '../limits.ts';
import { formAsk, modelAsk } from '../questions/askable.ts';
import { type Attention, attentionFor, MODEL_NEEDED } from '../questions/attention.ts';
import { OpenQuestions } from '../questions/open-questions.ts';
import type { FormAnswer } from '../questions/question-form.ts';
import type { FlowEnd } from '../run/flow-at-work.ts';
import type { OpenQuestion } from '../run/host.ts';
import { CANCEL, Run } from '../run/run.ts';
import type { Result, StepState } from '../run/step-state.ts';
import type { Programs, RunPlan } from '../run-plan.ts';
import { type RunResult, type RunView, storedResult, viewOf } from '../run-view.ts';
import { ProgressReport } from './progress-report.ts';
import { RunHost } from './run-host.ts';
import type { RunSlots } from './run-slots.ts';

export interface LiveRunOptions {
  readonly row: RunRow;
  readonly plan: RunPlan;
  readonly programs: Programs;
  readonly entries: readonly Entry[];
  /** `undefined`: the run is only looked at, as it is on record. */
  readonly writer: JournalWriter | undefined;
  readonly slots: RunSlots;
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
  readonly #host: RunHost;
  readonly #questions: OpenQuestions;
  readonly #progress = new ProgressReport();
  readonly #waiters = new Set<() => void>();
  #caller: Caller;
  #status: RunStatus;
  #end: RunResult | undefined;
  #finishedAt: number | null = null;
  #parked = false;
  /** The run is about to end, whatever it still waits for. */
  #cancelled = false;
  /** Nothing more happens here: the port was closed, or the record is at its end. */
  #suspended = false;
  /** The end is known: the status does not change any more. */
  #over = false;

  constructor(options: LiveRunOptions) {
    const { row, plan, programs, entries, writer, clock, timeOfDay, newId, limits, handle, log } = options;
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
    this.#questions = new OpenQuestions({
      runId: row.id,
      log,
      answer: (question, answer) => this.#answerFromForm(question, answer),
      formClosed: () => this.#park(),
    });
    this.#host = new RunHost({
      plan,
      programs,
      handle,
      clock,
      limits,
      questions: this.#questions,
      caller: () => this.#caller,
      resumed: entries.length > 0,
      waits: () => this.#park(),
    });
    const seeds = plan.seeds && new Map<string, Result>(Object.entries(plan.seeds));
    this.#run = new Run({
      port: this.#port,
      host: this.#host,
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

  /** Nothing goes on until somebody answers. */
  get parked(): boolean {
    return this.#parked;
  }

  get questions(): readonly OpenQuestion[] {
    return this.#questions.all;
  }

  /** A step waits for a client whose model can be asked. */
  get waitsForModel(): boolean {
    return this.#host.waiting > 0;
  }

  get stepStates(): ReadonlyMap<string, StepState> {
    return this.#run.stepStates;
  }

  get view(): RunView {
    const { row } = this.#options;
    const now = { ...row, status: this.#status, finishedAt: this.#finishedAt };
    return viewOf(now, this.#end ?? { steps: this.#run.steps, attention: this.#attention });
  }

  get #attention(): readonly Attention[] {
    const asked = this.waitsForModel ? [...this.questions, MODEL_NEEDED] : this.questions;
    return attentionFor([...asked, ...this.#run.notes]);
  }

  /** Runs to the end; the end by closing, or by a broken journal, is no end of the run itself. */
  async play(): Promise<void> {
    const { log, writer } = this.#options;
    try {
      const end = await this.#run.play(() => this.#idle());
      this.#over = true;
      await this.#finish(end);
    } catch (error) {
      if (error instanceof Suspended) {
        this.#suspended = true;
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

  /** Resolves when the run ends, or waits for somebody who is not being asked. */
  async untilStill(): Promise<RunView> {
    while (
      !this.ended &&
      this.#end === undefined &&
      !(this.#parked && !this.#questions.hasOpenForm) &&
      !this.#suspended
    )
      await new Promise<void>((wake) => this.#waiters.add(wake));
    return this.view;
  }

  /** Resolves when the whole record has been replayed. */
  async untilReplayed(): Promise<void> {
    while (!this.#port.caughtUp && this.#end === undefined && !this.#suspended)
      await new Promise<void>((wake) => this.#waiters.add(wake));
  }

  /** A caller waits for the run from now on, and can be asked. @returns a function that ends the waiting. */
  attach(caller: Caller): () => void {
    this.#caller = caller;
    this.#questions.forgetRefusals();
    if (this.waitsForModel && modelAsk(caller)) {
      this.#host.clientCame();
      this.#park();
    }
    if (this.#port.caughtUp) this.#questions.showAll(formAsk(caller));
    return () => {
      if (this.#caller !== caller) return;
      this.#caller = { client: caller.client };
      this.#questions.takeBackForms('nobody waits for the run any more');
    };
  }

  async answer(key: string, answer: FormAnswer): Promise<void> {
    this.#questions.remove(key);
    // At once: the slot is taken before anybody else looks.
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
    this.#questions.takeBackForms(reason);
  }

  async #finish(end: FlowEnd): Promise<void> {
    const { writer, timeOfDay } = this.#options;
    const stored: RunResult = {
      ...(end.output !== undefined && { output: end.output }),
      ...(end.error && { error: end.error }),
      steps: this.#run.steps,
      attention: attentionFor(this.#run.notes),
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
    this.#reportProgress();
  }

  /** A person's answer is not refused: it waits until a slot is free. */
  async #answerFromForm(question: OpenQuestion, answer: FormAnswer): Promise<void> {
    const { slots } = this.#options;
    while (this.#parked && !slots.free && this.#questions.isOpen(question)) await slots.nextChange();
    if (this.#questions.isOpen(question)) await this.answer(question.key, answer);
  }

  #idle(): void {
    if (!this.#port.caughtUp) return;
    this.#questions.showAll(formAsk(this.#caller));
    this.#park();
    this.#reportProgress();
  }

  #park(): void {
    if (this.#over) return;
    this.#parked = !this.#cancelled && this.#waitsForSomebody();
    const status: RunStatus = this.#parked && !this.#questions.hasOpenForm ? 'needs_attention' : 'running';
    if (status !== this.#status && this.#options.writer) {
      this.#status = status;
      const result = status === 'running' ? null : storedResult({ attention: this.#attention });
      this.#options.writer
        .write({ type: 'status', runId: this.id, status, finishedAt: null, result })
        .catch(() => {});
    }
    this.#notify();
    if (this.#parked) this.#options.slots.changed();
  }

  #waitsForSomebody(): boolean {
    const forModel = this.#host.waiting;
    if (forModel + this.#questions.size === 0) return false;
    const { calls, timers, questions } = this.#run.activity;
    // A step that was answered already goes on in a moment.
    const answered = questions > this.#questions.size;
    return calls - forModel <= 0 && timers === 0 && questions + forModel > 0 && !answered;
  }

  #notify(): void {
    for (const wake of this.#waiters) wake();
    this.#waiters.clear();
  }

  #reportProgress(): void {
    if (this.#caller.onProgress) this.#progress.send(this.#caller, this.#run);
  }
}
