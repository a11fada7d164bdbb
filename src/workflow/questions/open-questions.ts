/** The open questions of a run, and the forms that show them to the user of the client. */
import type { AskClient } from '../../core/call.ts';
import { Cancellation } from '../../core/cancellation.ts';
import { messageOf } from '../../core/errors.ts';
import type { Logger } from '../../core/logger.ts';
import { Json } from '../../json/json.ts';
import type { OpenQuestion } from '../run/host.ts';
import { type FormAnswer, formOf, readForm } from './question-form.ts';

export interface OpenQuestionsOptions {
  readonly runId: string;
  readonly log: Logger;
  /** Takes the answer that a person gave in a form. */
  readonly answer: (question: OpenQuestion, answer: FormAnswer) => Promise<void>;
  /** A form is no longer open. */
  readonly formClosed: () => void;
}

export class OpenQuestions {
  readonly #options: OpenQuestionsOptions;
  readonly #questions = new Map<string, OpenQuestion>();
  /** The forms that are open at the client, by question. */
  readonly #forms = new Map<string, Cancellation>();
  /** Questions that the client did not answer: they are shown again only to another caller. */
  readonly #refused = new Set<string>();

  constructor(options: OpenQuestionsOptions) {
    this.#options = options;
  }

  get all(): readonly OpenQuestion[] {
    return [...this.#questions.values()];
  }

  get size(): number {
    return this.#questions.size;
  }

  get hasOpenForm(): boolean {
    return this.#forms.size > 0;
  }

  isOpen(question: OpenQuestion): boolean {
    return this.#questions.get(question.key) === question;
  }

  add(question: OpenQuestion): void {
    this.#questions.set(question.key, question);
  }

  remove(key: string): void {
    this.#questions.delete(key);
  }

  /** The run goes on without this question: its form is taken back. */
  settle(key: string): void {
    this.#questions.delete(key);
    this.#forms.get(key)?.cancel('answered');
    this.#forms.delete(key);
  }

  /** Another caller may be shown what the one before refused. */
  forgetRefusals(): void {
    this.#refused.clear();
  }

  /** Shows each question that is not shown yet. */
  showAll(ask: AskClient | undefined): void {
    if (!ask) return;
    for (const question of this.#questions.values()) {
      if (this.#forms.has(question.key) || this.#refused.has(question.key)) continue;
      const signal = new Cancellation();
      this.#forms.set(question.key, signal);
      void this.#show(question, ask, signal);
    }
  }

  takeBackForms(reason: string): void {
    for (const form of this.#forms.values()) form.cancel(reason);
  }

  async #show(question: OpenQuestion, ask: AskClient, signal: Cancellation): Promise<void> {
    const { key } = question;
    const { answer, formClosed, log, runId } = this.#options;
    try {
      const params = Json.of({ mode: 'form', message: question.question, requestedSchema: formOf(question) });
      const result = await ask({ method: 'elicitation/create', params, server: 'switchyard', signal });
      const given = this.isOpen(question) ? readForm(question, result.exact) : undefined;
      if (given) await answer(question, given);
      else this.#refused.add(key);
    } catch (error) {
      this.#refused.add(key);
      if (!signal.cancelled) log.debug({ run: runId, why: messageOf(error) }, 'the client did not answer');
    } finally {
      if (this.#forms.get(key) === signal) this.#forms.delete(key);
      formClosed();
    }
  }
}
