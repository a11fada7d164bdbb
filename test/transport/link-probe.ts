/** Records what a link tells, and lets a test wait for it. */
import { type MessageText, wholeText } from '../../src/json/elided.ts';
import type { ProxyError } from '../../src/core/errors.ts';
import type { LinkEvents } from '../../src/transport/link.ts';

export class LinkProbe implements LinkEvents {
  readonly messages: string[] = [];
  readonly failures = new Map<number, ProxyError>();
  readonly oddities: string[] = [];
  readonly ends: (ProxyError | undefined)[] = [];
  readonly #waiting = new Set<() => void>();

  message(text: MessageText): void {
    this.messages.push(wholeText(text));
    this.#changed();
  }

  failed(id: number, error: ProxyError): void {
    this.failures.set(id, error);
    this.#changed();
  }

  odd(what: string): void {
    this.oddities.push(what);
    this.#changed();
  }

  closed(error: ProxyError | undefined): void {
    this.ends.push(error);
    this.#changed();
  }

  /** Resolves once `ready` gives something; fails with what is known after `withinMs`. */
  async until<T>(ready: () => T | undefined | false, withinMs = 5000): Promise<T> {
    const deadline = performance.now() + withinMs;
    for (;;) {
      const found = ready();
      if (found !== undefined && found !== false) return found;
      const left = deadline - performance.now();
      if (left <= 0)
        throw new Error(`waited in vain; ends: ${String(this.ends)}, odd: ${String(this.oddities)}`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        this.#waiting.add(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    }
  }

  /** The parsed answer to this request. */
  answer(id: number, withinMs?: number): Promise<unknown> {
    return this.until(() => {
      const text = this.messages.find((message) => isAnswerTo(message, id));
      return text === undefined ? undefined : { result: (JSON.parse(text) as { result: unknown }).result };
    }, withinMs).then(({ result }) => result);
  }

  async notice(method: string): Promise<unknown> {
    const text = await this.until(() =>
      this.messages.find((message) => message.includes(`"method":"${method}"`)),
    );
    return (JSON.parse(text) as { params?: unknown }).params;
  }

  end(withinMs?: number): Promise<ProxyError | undefined> {
    return this.until(() => this.ends.length > 0 && { error: this.ends[0] }, withinMs).then(
      ({ error }) => error,
    );
  }

  #changed(): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const resolve of waiting) resolve();
  }
}

function isAnswerTo(text: string, id: number): boolean {
  return (JSON.parse(text) as { id?: unknown }).id === id;
}

export function request(
  id: number,
  method: string,
  params?: unknown,
): { text: string; id: number; method: string } {
  return {
    text: JSON.stringify({ jsonrpc: '2.0', id, method, ...(params !== undefined && { params }) }),
    id,
    method,
  };
}
