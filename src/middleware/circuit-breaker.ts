/**
 * Stops calling a downstream server that keeps failing, and tries it again after a rest.
 *
 * One circuit for the server, and one for each tool that failed: a tool that fails alone is closed off alone.
 */
import { around } from '../core/around.ts';
import type { Call, Middleware } from '../core/call.ts';
import type { Clock } from '../core/clock.ts';
import { type ErrorCode, ProxyError } from '../core/errors.ts';
import {
  Breaker,
  type BreakerSettings,
  type BreakerState,
  type BreakerFailure,
  type Permit,
} from './breaker.ts';

export interface CircuitOptions {
  /** The config key. */
  readonly server: string;
  readonly settings: BreakerSettings;
  /** The settings of one tool, by the server's own name for it. */
  readonly settingsOf: (tool: string) => BreakerSettings;
  /** Returns whether a connection is ready for a call now. */
  readonly connected: () => boolean;
  readonly clock: Clock;
  readonly changed: (change: CircuitChange) => void;
}

export interface CircuitChange {
  readonly state: BreakerState;
  /** Absent for the whole server's circuit. */
  readonly tool?: string | undefined;
  readonly failures: number;
}

/** The circuits of one server. */
export class Circuit {
  readonly #options: CircuitOptions;
  readonly #server: Breaker;
  /** Only tools with a failure that no success has made good. */
  readonly #tools = new Map<string, Breaker>();

  constructor(options: CircuitOptions) {
    this.#options = options;
    this.#server = this.#breaker(options.settings, undefined);
  }

  get state(): BreakerState {
    return this.#server.state;
  }

  /** The tools whose own circuits are not closed. */
  get tools(): ReadonlyMap<string, BreakerState> {
    return new Map(
      [...this.#tools]
        .map(([tool, { state }]) => [tool, state] as const)
        .filter(([, state]) => state !== 'closed'),
    );
  }

  /** @returns whether the tool's own circuit is open. */
  isOpenFor(tool: string): boolean {
    return this.#tools.get(tool)?.state === 'open';
  }

  get retryAfterMs(): number {
    return this.#server.retryAfterMs;
  }

  /** Records a clean handshake with the server. */
  newGeneration(): void {
    this.#server.newGeneration();
    for (const breaker of this.#tools.values()) breaker.newGeneration();
  }

  /** Ends the timers. */
  close(): void {
    this.#server.shutdown();
    for (const breaker of this.#tools.values()) breaker.shutdown();
  }

  /** @throws ProxyError `CIRCUIT_OPEN` */
  enter(call: Call): Admission {
    const connected = this.#options.connected();
    const server = this.#server.enter(connected);
    if (!server) throw this.#refusal(this.#server, undefined);
    const breaker = this.#toolBreaker(call);
    const tool = breaker?.enter(connected);
    if (breaker && !tool) {
      this.#server.left(server);
      throw this.#refusal(breaker, call.name);
    }
    return { server, tool };
  }

  succeeded(call: Call, admission: Admission): void {
    const breaker = this.#toolBreaker(call);
    const pass = breaker && passOf(breaker, admission, this.#server);
    this.#server.succeeded(admission.server);
    if (!breaker || !pass) return;
    breaker.succeeded(pass);
    if (breaker.state === 'closed' && breaker.failures === 0) this.#tools.delete(call.name);
  }

  failed(call: Call, admission: Admission, error: ProxyError): void {
    const failure = failureOf(call, error);
    let breaker = this.#toolBreaker(call);
    if (!failure) {
      this.#server.left(admission.server);
      if (admission.tool) breaker?.left(admission.tool);
      return;
    }
    if (!breaker && call.method === 'tools/call') {
      breaker = this.#breaker(this.#options.settingsOf(call.name), call.name);
      this.#tools.set(call.name, breaker);
    }
    const pass = breaker && passOf(breaker, admission, this.#server);
    this.#server.failed(admission.server, failure);
    if (pass) breaker?.failed(pass, { cause: failure.cause });
  }

  #toolBreaker(call: Call): Breaker | undefined {
    return this.#tools.size > 0 && call.method === 'tools/call' ? this.#tools.get(call.name) : undefined;
  }

  #breaker(settings: BreakerSettings, tool: string | undefined): Breaker {
    const { clock, changed } = this.#options;
    const breaker: Breaker = new Breaker({
      ...settings,
      clock,
      changed: (state) => changed({ state, tool, failures: breaker.failures }),
    });
    return breaker;
  }

  #refusal({ retryAfterMs }: Breaker, tool: string | undefined): ProxyError {
    const { server } = this.#options;
    const what =
      tool === undefined ? `"${server}" keeps failing` : `The tool "${tool}" of "${server}" keeps failing`;
    return new ProxyError('CIRCUIT_OPEN', {
      message: `${what} and is not asked at present. Try again in ${Math.ceil(retryAfterMs / 1000)} s.`,
      server,
      delivered: false,
      retryAfterMs,
    });
  }
}

interface Admission {
  readonly server: Permit;
  /** Absent if the tool had no failure when the call began. */
  readonly tool: Permit | undefined;
}

function passOf(breaker: Breaker, { server, tool }: Admission, whole: Breaker): Permit | undefined {
  return tool ?? (breaker.state === 'closed' && !whole.isLate(server) ? breaker.enter() : undefined);
}

/**
 * Only failures of the server count: a tool that answers `isError` has answered.
 *
 * @throws ProxyError `CIRCUIT_OPEN` with `retryAfterMs` while the circuit is open.
 */
export function circuitBreaker(circuit: Circuit): Middleware {
  return around(() => ({
    before: (call) => circuit.enter(call),
    onResult(result, admission, call) {
      circuit.succeeded(call, admission);
      return result;
    },
    onError(error, admission, call) {
      if (error instanceof ProxyError && !error.answered) circuit.failed(call, admission, error);
      // The server's own JSON-RPC error is an answer, and so is a status that refuses one call.
      else circuit.succeeded(call, admission);
      throw error;
    },
  }));
}

const FAILURES: ReadonlySet<ErrorCode> = new Set([
  'DOWNSTREAM_UNAVAILABLE',
  'DOWNSTREAM_FAILED',
  'TIMEOUT',
  'PROTOCOL_ERROR',
]);

/** Returns `undefined` for errors that do not count: refusals before the server was asked, and the client's own doing. */
function failureOf(call: Call, error: ProxyError): BreakerFailure | undefined {
  const timedOut =
    (error.code === 'TIMEOUT' && error.delivered !== false) ||
    (error.code === 'CANCELLED' && call.signal.cause === 'call-expired');
  // A server that leaves one call unanswered may answer all others.
  if (timedOut) return { suspect: call.method === 'tools/call' ? call.name : undefined };
  return FAILURES.has(error.code) ? { cause: rootOf(error) } : undefined;
}

/** A connection that breaks fails all its calls with one error, or with errors that have one as their cause. */
function rootOf(error: Error): Error {
  let root = error;
  while (root.cause instanceof Error) root = root.cause;
  return root;
}
