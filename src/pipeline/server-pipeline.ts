/** The last part of a call's pipeline, around one connection to a server. Each attempt of a call goes through it anew. */
import type { ServerConfig } from '../config/config.ts';
import type { Call, Handler, Middleware } from '../core/call.ts';
import type { Clock } from '../core/clock.ts';
import type { Logger } from '../core/logger.ts';
import type { LoginStatus } from '../login/login-status.ts';
import { Circuit, circuitBreaker } from '../middleware/circuit-breaker.ts';
import { concurrency, ConcurrencyLimit } from '../middleware/concurrency.ts';
import { idempotencyArgument } from '../middleware/idempotency.ts';
import { timeout } from '../middleware/timeout.ts';
import { composeInOrder, SERVER_ORDER } from './order.ts';

export interface ServerPipelineOptions {
  readonly server: ServerConfig;
  readonly downstream: {
    readonly connected: boolean;
    readonly handle: Handler;
  };
  /** The login, if the connection needs one. */
  readonly login?: PipelineLogin | undefined;
  /** The outermost middleware, which counts and traces. */
  readonly outside: readonly [observe: Middleware, trace: Middleware | undefined];
  readonly clock: Clock;
  readonly log: Logger;
}

/** The login of a connection: calls that need one wait inside `ask`. */
export interface PipelineLogin {
  readonly status: LoginStatus;
  readonly ask: Middleware | undefined;
  close(): void;
}

export interface ServerPipeline {
  readonly login: PipelineLogin | undefined;
  readonly handle: Handler;
  readonly circuit: Circuit;
  readonly gate: ConcurrencyLimit;
  /** The number of handshakes with the server. */
  readonly generation: number;
  /** Records a clean handshake. */
  handshakeDone(): void;
  close(): void;
}

export function serverPipeline(options: ServerPipelineOptions): ServerPipeline {
  const { server, downstream, login, clock, log } = options;
  const { key, circuitBreaker: settings, maxConcurrency, maxQueue, tools } = server;
  const circuit = new Circuit({
    server: key,
    settings,
    settingsOf: (tool) => ({ ...settings, ...tools.override.get(tool)?.circuitBreaker }),
    connected: () => downstream.connected,
    clock,
    changed: ({ state, tool, failures }) => {
      const facts = { server: key, ...(tool !== undefined && { tool }) };
      if (state === 'open')
        log.warn({ ...facts, failures, restMs: settings.recoveryTimeoutMs }, 'circuit opened');
      else log.info(facts, state === 'closed' ? 'circuit closed' : 'circuit half-open');
    },
  });
  const gate = new ConcurrencyLimit({ server: key, maxConcurrency, maxQueue });
  const idleMsOf = ({ method, name }: Call): number =>
    (method === 'tools/call' ? tools.override.get(name)?.timeoutMs : undefined) ?? server.timeoutMs;
  const [observe, trace] = options.outside;
  const handle = composeInOrder(
    SERVER_ORDER,
    {
      login: login?.ask,
      observe,
      trace,
      'circuit breaker': circuitBreaker(circuit),
      concurrency: concurrency(gate),
      'idempotency argument': idempotencyArgument((tool) => tools.override.get(tool)?.idempotencyKey),
      timeout: timeout({ server: key, idleMsOf, clock }),
    },
    (call) => downstream.handle(call),
  );
  let generation = 0;
  return {
    handle,
    login,
    circuit,
    gate,
    get generation() {
      return generation;
    },
    handshakeDone() {
      generation++;
      circuit.newGeneration();
    },
    close() {
      circuit.close();
      login?.close();
    },
  };
}
