/** A raw MCP client: it prints requests, finds their answers by the id, and parses answers that are small. */
import type { OpenWire, Wire } from './wire.ts';

export type Era = 'legacy' | 'modern';

/** How far from either end of a message its id stands. */
const NEAR = 400;
const ENVELOPE = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientInfo': { name: 'bench', version: '1.0.0' },
  'io.modelcontextprotocol/clientCapabilities': {},
};
const HELLO = {
  protocolVersion: '2025-11-25',
  capabilities: {},
  clientInfo: { name: 'bench', version: '1.0.0' },
};

export class McpClient {
  readonly #wire: Wire;
  readonly #modern: boolean;
  readonly #meta: object;
  readonly #waiting = new Map<number, (answer: string) => void>();
  #lastId = 0;
  /** Hears of notifications. */
  onNotification: (text: string) => void = () => {};

  constructor(open: OpenWire, era: Era) {
    this.#modern = era === 'modern';
    this.#meta = this.#modern ? { _meta: ENVELOPE } : {};
    this.#wire = open((text) => this.#take(text));
  }

  async greet(): Promise<void> {
    if (this.#modern) return;
    await this.#ask('initialize', HELLO);
    this.#wire.send(
      '{"jsonrpc":"2.0","method":"notifications/initialized"}',
      'notifications/initialized',
      undefined,
    );
  }

  /** The whole text of the answer. */
  async list(): Promise<string> {
    return this.#ask('tools/list', this.#meta);
  }

  /** Calls a tool with one argument, `text`. @returns the text of the answer, or the message where it has none. */
  async call(tool: string, text: string): Promise<string> {
    const message = await this.#ask('tools/call', { name: tool, arguments: { text }, ...this.#meta }, tool);
    return (JSON.parse(message) as Answer).result?.content?.[0]?.text ?? message;
  }

  /** The same with a large text, given as it stands in JSON, quotes included. @returns the message, not parsed. */
  callLarge(tool: string, text: string): Promise<string> {
    const meta = this.#modern ? `,"_meta":${JSON.stringify(ENVELOPE)}` : '';
    const params = `{"name":"${tool}","arguments":{"text":${text}}${meta}}`;
    return new Promise((resolve) => this.#send('tools/call', params, tool, resolve));
  }

  /** Calls a tool with any arguments. @returns its structured answer. @throws Error where there is none. */
  async ask(tool: string, args: object): Promise<Readonly<Record<string, unknown>>> {
    const message = await this.#ask('tools/call', { name: tool, arguments: args, ...this.#meta }, tool);
    const { result } = JSON.parse(message) as Answer;
    if (!result?.structuredContent) throw new Error(`${tool}: ${message.slice(0, 1000)}`);
    return result.structuredContent;
  }

  close(): void {
    this.#wire.close();
  }

  #ask(method: string, params: object, name?: string): Promise<string> {
    return new Promise((resolve) => this.#send(method, JSON.stringify(params), name, resolve));
  }

  #send(method: string, params: string, name: string | undefined, done: (answer: string) => void): void {
    const id = ++this.#lastId;
    this.#waiting.set(id, done);
    this.#wire.send(`{"jsonrpc":"2.0","id":${id},"method":"${method}","params":${params}}`, method, name);
  }

  #take(text: string): void {
    const id = idOf(text);
    const done = this.#waiting.get(id);
    if (done === undefined) return this.onNotification(text);
    this.#waiting.delete(id);
    done(text);
  }
}

interface Answer {
  readonly result?: {
    readonly content?: readonly { readonly text?: string }[];
    readonly structuredContent?: Readonly<Record<string, unknown>>;
  };
}

/** Ours stand at one end or the other, wherever a proxy prints them. */
function idOf(text: string): number {
  const start = '{"jsonrpc":"2.0","id":';
  if (text.startsWith(start)) return Number.parseInt(text.slice(start.length, start.length + 12), 10);
  return Number((/"id":(\d+)/.exec(text.slice(-NEAR)) ?? /"id":(\d+)/.exec(text.slice(0, NEAR)))?.[1]);
}
