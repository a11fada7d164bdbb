/** Legacy sessions over HTTP: found by id and owner, bounded in number, ended when idle. */
import { randomUUID } from 'node:crypto';
import type { Clock } from '../core/clock.ts';
import type { ListMode } from '../core/list-mode.ts';
import type { Logger } from '../core/logger.ts';
import type { HttpReply } from '../transport/http-server/reply.ts';
import { LegacySession } from './legacy/legacy-session.ts';
import { GONE, type GoneCause } from './response-sink.ts';
import type { ServedProxy } from './served-proxy.ts';

const IDLE_MS = 30 * 60_000;
/** Messages kept for a session whose stream is not open. */
const MAX_KEPT = 256;

export interface HttpSessionsOptions {
  readonly served: ServedProxy;
  readonly clock: Clock;
  readonly log: Logger;
  readonly idleMs?: number;
}

export interface HttpSession {
  readonly id: string;
  readonly principal: string;
  readonly session: LegacySession;
  /** Opens the stream for messages that belong to no request; it replaces the one before. */
  openStream(reply: HttpReply): void;
}

interface Entry extends HttpSession {
  stream: HttpReply | undefined;
  kept: string[];
  keptCharacters: number;
  dropped: number;
  usedAt: number;
}

export class HttpSessions {
  readonly #options: HttpSessionsOptions;
  /** Least recently used first. */
  readonly #entries = new Map<string, Entry>();
  #cancelSweep: (() => void) | undefined;

  constructor(options: HttpSessionsOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** @returns `undefined` where there are too many and none can be ended. */
  create(principal: string, list?: ListMode): HttpSession | undefined {
    const { served, log, clock } = this.#options;
    if (this.#entries.size >= served.limits.sessions && !this.#evict(principal)) return undefined;
    const id = randomUUID();
    const entry: Entry = {
      id,
      principal,
      stream: undefined,
      kept: [],
      keptCharacters: 0,
      dropped: 0,
      usedAt: clock.now(),
      session: new LegacySession({
        served,
        clientId: `session ${principal} ${id}`,
        person: principal,
        list,
        channel: (text) => this.#channel(entry, text),
        log,
      }),
      openStream: (reply) => this.#openStream(entry, reply),
    };
    this.#entries.set(id, entry);
    this.#planSweep();
    return entry;
  }

  /** A session of another owner is as unknown as one that does not exist. */
  find(id: string, principal: string): HttpSession | undefined {
    const entry = this.#entries.get(id);
    if (!entry || entry.principal !== principal) return undefined;
    entry.usedAt = this.#options.clock.now();
    if (this.#entries.size > 1) {
      this.#entries.delete(id);
      this.#entries.set(id, entry);
    }
    return entry;
  }

  end(id: string, reason: string, cause: GoneCause = 'client-gone'): void {
    const entry = this.#entries.get(id);
    if (!entry) return;
    this.#entries.delete(id);
    entry.session.end(reason, cause);
    entry.stream?.closeStream();
  }

  close(): void {
    this.#cancelSweep?.();
    for (const id of [...this.#entries.keys()]) this.end(id, GONE['proxy-stops'], 'proxy-stops');
  }

  #channel(entry: Entry, text: string): void {
    if (entry.stream && !entry.stream.closed) entry.stream.event(text);
    else if (entry.kept.length === 0 || this.#hasRoom(entry, text)) {
      entry.kept.push(text);
      entry.keptCharacters += text.length;
    } else entry.dropped++;
  }

  #openStream(entry: Entry, reply: HttpReply): void {
    entry.stream?.closeStream();
    entry.stream = reply;
    reply.openStream({ 'mcp-session-id': entry.id });
    entry.keptCharacters = 0;
    if (entry.dropped > 0)
      this.#options.log.warn(
        { messages: entry.dropped },
        'dropped: they came for a session whose stream was not open',
      );
    entry.dropped = 0;
    for (const text of entry.kept.splice(0)) reply.event(text);
    reply.onClose(() => {
      if (entry.stream === reply) entry.stream = undefined;
    });
  }

  #hasRoom({ kept, keptCharacters }: Entry, text: string): boolean {
    return kept.length < MAX_KEPT && keptCharacters + text.length <= this.#options.served.limits.keptBytes;
  }

  #idle(entry: Entry): boolean {
    return !entry.session.busy && (entry.stream === undefined || entry.stream.closed);
  }

  /** Makes room: ends the idle session that was not used for longest, the same owner's first. */
  #evict(principal: string): boolean {
    const idle = [...this.#entries.values()].filter((entry) => this.#idle(entry));
    const entry = idle.find((one) => one.principal === principal) ?? idle[0];
    if (!entry) return false;
    this.#options.log.info(
      { sessions: this.#entries.size },
      'too many sessions (limits.sessions): the oldest idle one was ended',
    );
    this.end(entry.id, 'too many sessions');
    return true;
  }

  #planSweep(): void {
    if (this.#cancelSweep || this.#entries.size === 0) return;
    const { clock, idleMs = IDLE_MS } = this.#options;
    this.#cancelSweep = clock.after(idleMs / 4, () => {
      this.#cancelSweep = undefined;
      const before = clock.now() - idleMs;
      for (const entry of [...this.#entries.values()])
        if (entry.usedAt < before && this.#idle(entry)) this.end(entry.id, 'idle for too long');
      this.#planSweep();
    });
  }
}
