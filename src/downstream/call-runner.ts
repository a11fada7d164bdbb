/**
 * Takes calls to the server: waits for a connection, sends, sends again where the server surely never had the call,
 * and rates what came of it.
 */
import { Answer } from '../core/answer.ts';
import type { Call } from '../core/call.ts';
import type { Clock } from '../core/clock.ts';
import { HEADER_MISMATCH, INTERNAL_ERROR, ProxyError, RpcError } from '../core/errors.ts';
import { at, type Json } from '../json/json.ts';
import { SessionLost } from '../transport/http-client/errors.ts';
import { Attempt, type AttemptEnds, Delivery, type SendAgain } from './attempt.ts';
import type { Connection } from './connection/connection.ts';
import type { CallOutcome } from './health/health.ts';
import { inputRequiredLoop } from './input-required.ts';
import type { Lifecycle } from './lifecycle.ts';
import type { Roots } from './roots.ts';
import type { ServerQuestions } from './server-questions.ts';

/** The end of a lost connection may take so long to show. */
const LOSS_MS = 500;
/** A server that asks for a longer pause than this is tried again all the same. */
const LONGEST_PAUSE_MS = 300_000;

/** The keys under which results of calls, reads and prompts hold their parts. */
const PARTS = ['content', 'contents', 'messages'] as const;

/** The errors of ours that a server is to blame for. */
const FAILURES: ReadonlySet<string> = new Set([
  'DOWNSTREAM_UNAVAILABLE',
  'DOWNSTREAM_FAILED',
  'TIMEOUT',
  'PROTOCOL_ERROR',
]);

export interface CallRunnerOptions {
  readonly server: string;
  readonly lifecycle: Lifecycle<Connection>;
  readonly questions: ServerQuestions;
  readonly roots: Roots;
  /** The most parts of one result. */
  readonly maxParts: number;
  /** The connection is one stream, so that what was sent on it may be lost with it. */
  readonly isOneStream: boolean;
  /** Fetches the lists again: a tool may want other header fields than its last known schema says. */
  readonly renewLists: (connection: Connection) => Promise<void>;
  /** @param ms left out where a part of the time was not the server's. @param now the clock's time. */
  readonly outcome: (outcome: CallOutcome, ms: number | undefined, now: number) => void;
  /** A call is over, whatever came of it. */
  readonly ended: () => void;
  readonly clock: Clock;
}

export class CallRunner {
  readonly #options: CallRunnerOptions;
  #inFlight = 0;
  /** The server asked for no more requests until then. */
  #pausedUntil = -Infinity;
  #drained: (() => void) | undefined;

  constructor(options: CallRunnerOptions) {
    this.#options = options;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  /** Answers a call under the server's own name; waits for a start under way. */
  run(call: Call): Answer {
    const { clock, lifecycle, questions } = this.#options;
    this.#refuseWhilePaused();
    this.#inFlight++;
    const { connection } = lifecycle;
    const attempt = new Attempt(call, connection, clock.now(), questions.count, this.#ends);
    return Answer.by(() => this.#attempt(attempt)).through(attempt);
  }

  /** Waits until no call is under way, at most so long. */
  async drain(ms: number): Promise<void> {
    if (this.#inFlight === 0) return;
    await new Promise<void>((resolve) => {
      const stop = this.#options.clock.after(ms, resolve);
      this.#drained = () => {
        stop();
        resolve();
      };
    });
  }

  readonly #ends: AttemptEnds = {
    succeeded: (attempt, result) => {
      const { clock, questions, outcome } = this.#options;
      const now = clock.now();
      outcome('ok', attempt.questions === questions.count ? now - attempt.from : undefined, now);
      const tooMany = this.#tooMany(result);
      if (tooMany) return this.#ends.failed(attempt, tooMany);
      this.#ended();
      return result;
    },
    failed: (attempt, error) => {
      this.#options.questions.callFailed(error, attempt.call.client);
      this.#rate(error, attempt);
      this.#ended();
      throw error;
    },
  };

  #attempt(attempt: Attempt): Answer | Promise<Json> {
    const { call, connection } = attempt;
    if (connection) return this.#withRoots(call, connection);
    return this.#options.lifecycle.ready(call.signal).then((ready) => {
      attempt.connection = ready;
      attempt.from = this.#options.clock.now();
      return this.#withRoots(call, ready);
    });
  }

  #withRoots(call: Call, connection: Connection): Answer | Promise<Json> {
    const { roots } = this.#options;
    if (!roots.any) return this.#sendAndAnswer(call, connection);
    return roots.ready(call).then(() => this.#sendAndAnswer(call, connection));
  }

  /** Between a client and a server of the legacy era no answer is a question. */
  #sendAndAnswer(call: Call, connection: Connection): Answer {
    if (call.client.era === 'legacy' && connection.agreement.era === 'legacy')
      return this.#send(call, connection);
    return inputRequiredLoop(call, this.#options.server, (one) => this.#send(one, connection));
  }

  /** Sends; once more where the connection turned out to be gone and the server surely never had the call. */
  #send(call: Call, connection: Connection): Answer {
    const answer = connection.closed
      ? Answer.by(() => this.#options.lifecycle.ready(call.signal).then((ready) => ready.call(call)))
      : connection.call(call);
    return answer.through(new Delivery(call, connection, this.#sendAgain));
  }

  readonly #sendAgain: SendAgain = async (call, connection, error) => {
    const { renewLists, isOneStream, lifecycle } = this.#options;
    if (error.cause instanceof RpcError && error.cause.code === HEADER_MISMATCH) {
      await renewLists(connection);
      if (call.signal.cancelled) throw error;
      return connection.call(call);
    }
    const lost = error.cause instanceof SessionLost || connection.closed;
    const maybe = isOneStream && error.code !== 'BUSY' && error.code !== 'CLIENT_CANNOT';
    if (!lost && !maybe) throw error;
    await connection.ended(LOSS_MS);
    if (!connection.closed) throw error;
    const next = await lifecycle.ready(call.signal);
    return next.call(call, true);
  };

  #ended(): void {
    this.#inFlight--;
    this.#options.ended();
    if (this.#inFlight === 0) this.#drained?.();
  }

  /** A result of very many parts would be copied, walked through and shown part by part further on. */
  #tooMany(result: Json): ProxyError | undefined {
    const { server, maxParts } = this.#options;
    // Each part takes more than one character.
    if (result.length <= maxParts) return undefined;
    for (const key of PARTS) {
      const parts = at(result.brief, key);
      if (!Array.isArray(parts) || parts.length <= maxParts) continue;
      const message = `The result of "${server}" has ${parts.length} parts ("${key}"); at most ${maxParts} are taken.`;
      return new ProxyError('RESULT_TOO_LARGE', { message, server, delivered: true });
    }
    return undefined;
  }

  /** A server that asked for no more requests for a while gets none. @throws ProxyError `RATE_LIMITED`. */
  #refuseWhilePaused(): void {
    const { clock, server } = this.#options;
    if (this.#pausedUntil === -Infinity) return;
    const left = Math.ceil(this.#pausedUntil - clock.now());
    if (left <= 0) {
      this.#pausedUntil = -Infinity;
      return;
    }
    throw new ProxyError('RATE_LIMITED', {
      message: `"${server}" asked for no more requests for now: try again in ${Math.ceil(left / 1000)} seconds.`,
      server,
      delivered: false,
      retryAfterMs: left,
    });
  }

  /**
   * Only failures of the server count: its own errors are answers, and a client that gives up is not its fault.
   * Calls that a crash took with it show in the restarts.
   */
  #rate(error: unknown, { call, connection, from }: Attempt): void {
    const { clock, lifecycle, outcome } = this.#options;
    const now = clock.now();
    const ms = now - from;
    if (error instanceof RpcError) outcome(error.code === INTERNAL_ERROR ? 'error' : 'ok', ms, now);
    if (!(error instanceof ProxyError)) return;
    const asksForPause = error.retryAfterMs !== undefined && error.delivered === false && !error.answered;
    if (asksForPause && lifecycle.connection)
      this.#pausedUntil = now + Math.min(error.retryAfterMs, LONGEST_PAUSE_MS);
    if (error.answered) outcome('ok', ms, now);
    else if (call.signal.cause === 'attempt-expired') outcome('timeout', ms, now);
    else if (FAILURES.has(error.code) && connection && !connection.closed) outcome('error', ms, now);
  }
}
