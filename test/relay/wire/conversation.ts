/** A client without a library: sends what a test says, keeps everything that comes, and lets tests wait for it. */

/** A JSON-RPC message; its inside is what the test says it is. */
// oxlint-disable-next-line typescript/no-explicit-any
export type Wire = Record<string, any>;

/** Answers a question of the server's. @returns the result; `undefined`: no answer. */
export type Answerer = (question: Wire) => Wire | undefined | Promise<Wire | undefined>;

export class Conversation {
  /** Everything that came, oldest first. */
  readonly messages: Wire[] = [];
  readonly #lookers = new Set<() => void>();
  readonly #send: (message: Wire) => void;
  #lastId = 0;
  /** How questions are answered; none are until a test says so. */
  onQuestion: Answerer = () => undefined;

  constructor(send: (message: Wire) => void) {
    this.#send = send;
  }

  receive(message: Wire): void {
    this.messages.push(message);
    for (const look of [...this.#lookers]) look();
    if (message['id'] !== undefined && message['method'] !== undefined) void this.#answer(message);
  }

  send(message: Wire): void {
    this.#send({ jsonrpc: '2.0', ...message });
  }

  /** Several messages in one, as 2025-03-26 had it. */
  sendBatch(messages: readonly Wire[]): void {
    this.#send(messages.map((message) => ({ jsonrpc: '2.0', ...message })));
  }

  notify(method: string, params?: Wire): void {
    this.send({ method, ...(params && { params }) });
  }

  /** @returns the whole answer, result or error. */
  async ask(method: string, params?: Wire, id: number | string = ++this.#lastId): Promise<Wire> {
    const from = this.messages.length;
    this.send({ id, method, ...(params && { params }) });
    return this.until((one) => one['id'] === id && one['method'] === undefined, from);
  }

  /** @returns the result. @throws where the answer is an error. */
  async request(method: string, params?: Wire, id?: number | string): Promise<Wire> {
    const answer = await this.ask(method, params, id);
    if (answer['result'] === undefined) throw new Error(`${method}: ${JSON.stringify(answer['error'])}`);
    return answer['result'] as Wire;
  }

  call(name: string, args: Wire = {}, meta?: Wire, id?: number | string): Promise<Wire> {
    return this.request('tools/call', { name, arguments: args, ...(meta && { _meta: meta }) }, id);
  }

  /** The list of tools, once there are so many: a server that is late joins with `list_changed`. */
  async tools(count: number): Promise<Wire[]> {
    for (;;) {
      const from = this.messages.length;
      const { tools } = await this.request('tools/list');
      if ((tools as Wire[]).length >= count) return tools as Wire[];
      await this.notification('notifications/tools/list_changed', from);
    }
  }

  /** The first message that `test` holds for, at or after the index `from`. */
  until(test: (message: Wire) => boolean, from = 0, ms = 8000): Promise<Wire> {
    return new Promise((resolve, reject) => {
      let next = from;
      const done = (): void => {
        this.#lookers.delete(look);
        clearTimeout(timer);
      };
      const look = (): void => {
        for (; next < this.messages.length; next++) {
          const message = this.messages[next] as Wire;
          if (!test(message)) continue;
          done();
          resolve(message);
          return;
        }
      };
      const timer = setTimeout(() => {
        done();
        const last = this.messages.slice(-5).map((one) => JSON.stringify(one).slice(0, 300));
        reject(new Error(`not within ${ms} ms; the last messages: ${last.join('\n')}`));
      }, ms);
      this.#lookers.add(look);
      look();
    });
  }

  notification(method: string, from = 0): Promise<Wire> {
    return this.until((one) => one['method'] === method && one['id'] === undefined, from);
  }

  question(method: string, from = 0): Promise<Wire> {
    return this.until((one) => one['method'] === method && one['id'] !== undefined, from);
  }

  all(method: string): Wire[] {
    return this.messages.filter((one) => one['method'] === method);
  }

  async #answer(question: Wire): Promise<void> {
    if (question['method'] === 'ping') return this.send({ id: question['id'], result: {} });
    const result = await this.onQuestion(question);
    if (result !== undefined) this.send({ id: question['id'], result });
  }
}

/** The text of a result's first block, parsed. */
// oxlint-disable-next-line typescript/no-explicit-any
export function told(result: Wire): any {
  return JSON.parse(result['content'][0].text as string);
}
