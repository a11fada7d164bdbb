/** What was asked and what came back: every request has to have exactly one answer. */
export interface RpcMessage {
  readonly id?: number | string | null;
  readonly method?: string;
  readonly params?: Record<string, unknown>;
  readonly result?: Record<string, unknown>;
  readonly error?: {
    readonly code: number;
    readonly message: string;
    readonly data?: Record<string, unknown>;
  };
}

export class Ledger {
  readonly #answers = new Map<number | string, RpcMessage[]>();
  readonly #unanswerable = new Set<number | string>();
  #lastId = 0;

  nextId(): number {
    return ++this.#lastId;
  }

  asked(id: number | string): void {
    this.#answers.set(id, []);
  }

  /** Its client took it back, or went away: no answer is due. */
  excuse(id: number | string): void {
    this.#unanswerable.add(id);
  }

  excuseOpen(): void {
    for (const [id, answers] of this.#answers) if (answers.length === 0) this.excuse(id);
  }

  answered(message: RpcMessage): void {
    if (message.id === undefined || message.id === null || message.method !== undefined) return;
    this.#answers.get(message.id)?.push(message);
  }

  answerTo(id: number | string): RpcMessage | undefined {
    return this.#answers.get(id)?.[0];
  }

  get open(): number {
    let open = 0;
    for (const [id, answers] of this.#answers)
      if (answers.length === 0 && !this.#unanswerable.has(id)) open++;
    return open;
  }

  /** Requests with other than one answer; the first ten will do. */
  get unbalanced(): string[] {
    return [...this.#answers]
      .filter(
        ([id, answers]) => answers.length !== 1 && !(this.#unanswerable.has(id) && answers.length === 0),
      )
      .slice(0, 10)
      .map(([id, answers]) => `${id}: ${answers.length} answers`);
  }
}
