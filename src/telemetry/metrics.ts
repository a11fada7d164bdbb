/**
 * The figures for Prometheus. Latencies are taken call by call; everything else is read when somebody looks.
 *
 * Labels are server keys and the servers' own tool names: few, and never what a client sends.
 */
import { Counter, Gauge, Registry } from 'prom-client';
import { Durations } from './durations.ts';

/** The figures of one server, read when the metrics are asked for. */
export interface ServerFigures {
  readonly server: string;
  readonly state: string;
  readonly breaker: string;
  readonly running: number;
  readonly waiting: number;
  readonly restarts: number;
  readonly retries: number;
  readonly failovers: number;
  readonly cached: Readonly<Record<string, number>>;
  /** Failures by code. */
  readonly failures: ReadonlyMap<string, number>;
  readonly toolErrors: number;
}

export interface Metrics {
  /** One call has ended, under the server's own name for the tool. */
  took(server: string, method: string, name: string, ms: number): void;
  /** Prometheus text. */
  text(): Promise<string>;
  readonly contentType: string;
}

const SECONDS = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 60, 300];

export function createMetrics(read: () => readonly ServerFigures[], processes: () => number): Metrics {
  const registry = new Registry();
  const durations = new Durations(
    'switchyard_call_duration_seconds',
    'How long calls on a server took, attempt by attempt.',
    SECONDS,
    registry,
  );
  const counter = (
    name: string,
    help: string,
    values: (figures: ServerFigures) => Iterable<Sample>,
    label?: string,
  ): void => {
    const metric: Counter = new Counter({
      name: `switchyard_${name}_total`,
      help,
      labelNames: label === undefined ? ['server'] : ['server', label],
      registers: [registry],
      collect: () => fill(metric, (labels, value) => metric.inc(labels, value), values, label),
    });
  };
  const gauge = (
    name: string,
    help: string,
    values: (figures: ServerFigures) => Iterable<Sample>,
    label?: string,
  ): void => {
    const metric: Gauge = new Gauge({
      name: `switchyard_${name}`,
      help,
      labelNames: label === undefined ? ['server'] : ['server', label],
      registers: [registry],
      collect: () => fill(metric, (labels, value) => metric.set(labels, value), values, label),
    });
  };
  const fill = (
    metric: { reset(): void },
    put: (labels: Record<string, string>, value: number) => void,
    values: (figures: ServerFigures) => Iterable<Sample>,
    label: string | undefined,
  ): void => {
    metric.reset();
    for (const figures of read())
      for (const [name, value] of values(figures))
        put({ server: figures.server, ...(label !== undefined && { [label]: name }) }, value);
  };

  counter('errors', 'Calls that failed, by the code of the failure.', ({ failures }) => failures, 'code');
  counter('tool_errors', 'Answers with isError.', ({ toolErrors }) => [['', toolErrors]]);
  counter('retries', 'Second and further attempts.', ({ retries }) => [['', retries]]);
  counter('failovers', 'Calls that went on to another member of the pool.', ({ failovers }) => [
    ['', failovers],
  ]);
  counter('cache', 'Calls that a cache was asked for.', ({ cached }) => Object.entries(cached), 'result');
  counter('restarts', 'Starts after the first one.', ({ restarts }) => [['', restarts]]);
  gauge('calls_running', 'Calls under way.', ({ running }) => [['', running]]);
  gauge('calls_waiting', 'Calls in the queue.', ({ waiting }) => [['', waiting]]);
  gauge(
    'breaker_state',
    'Which state the circuit is in.',
    ({ breaker }) => states(BREAKER_STATES, breaker),
    'state',
  );
  gauge(
    'server_state',
    'Which state the server is in.',
    ({ state }) => states(SERVER_STATES, state),
    'state',
  );
  new Gauge({
    name: 'switchyard_processes',
    help: 'Child processes that run.',
    registers: [registry],
    collect() {
      this.set(processes());
    },
  });

  return {
    took(server, method, name, ms) {
      const tool = method === 'tools/call' ? name : METHODS.has(method) ? method : 'other';
      durations.add(server, tool, ms / 1000);
    },
    text: () => registry.metrics(),
    contentType: registry.contentType,
  };
}

/** A method that a client makes up is no label. */
const METHODS = new Set([
  'prompts/get',
  'resources/read',
  'completion/complete',
  'tasks/get',
  'tasks/list',
  'tasks/result',
  'tasks/cancel',
  'tasks/update',
]);

type Sample = readonly [label: string, value: number];

const BREAKER_STATES = ['closed', 'open', 'half-open'] as const;
const SERVER_STATES = [
  'starting',
  'ready',
  'degraded',
  'unhealthy',
  'critical',
  'stopping',
  'stopped',
] as const;

function states(all: readonly string[], current: string): readonly Sample[] {
  return all.map((state) => [state, state === current ? 1 : 0] as const);
}
