/** What issues 3 to 6 ask for, by the names that the sections give their figures. */

export interface Target {
  readonly figure: string;
  readonly atMost?: number;
  readonly atLeast?: number;
}

export const TARGETS: readonly Target[] = [
  { figure: 'legacy stdio→stdio latency / direct', atMost: 3 },
  { figure: 'legacy http→stdio latency / direct', atMost: 1.7 },
  { figure: 'legacy http→http latency / direct', atMost: 3 },
  { figure: 'modern http→http latency / direct', atMost: 3 },
  { figure: 'legacy stdio→stdio throughput / direct', atLeast: 0.5 },
  { figure: 'legacy stdio→stdio throughput / reference', atLeast: 2.5 },
  { figure: 'legacy http→stdio throughput / direct', atLeast: 0.45 },
  { figure: 'legacy http→stdio throughput / reference', atLeast: 5 },
  { figure: 'legacy http→http throughput / direct', atLeast: 0.45 },
  { figure: 'modern http→http throughput / direct', atLeast: 0.45 },
  { figure: 'legacy http→http throughput / reference', atLeast: 8 },
  { figure: 'legacy stdio→stdio cpu / reference', atMost: 0.35 },
  { figure: 'legacy http→http cpu / reference', atMost: 0.1 },
  { figure: 'stdio→stdio 1 MiB / direct', atMost: 2.3 },
  { figure: 'http→http 1 MiB / direct', atMost: 2.3 },
  { figure: 'stdio list / direct', atMost: 1.3 },
  { figure: 'http list / direct', atMost: 1.3 },
  { figure: 'start 50 / direct', atMost: 1.2 },
  { figure: 'start 1 snapshot / node', atMost: 2.5 },
  { figure: 'start 10 snapshot / node', atMost: 2.5 },
  { figure: 'start 50 snapshot / node', atMost: 2.5 },
  { figure: 'one of ten mute: snapshot', atMost: 1.1 },
  { figure: 'one of ten mute: cold, callable', atMost: 1.2 },
  { figure: 'one of ten mute: cold, listed', atMost: 3 },
  { figure: 'recovery beyond own start, ms', atMost: 100 },
  { figure: 'rss idle 50', atMost: 75 },
  { figure: 'stdio→stdio growth', atMost: 15 },
  { figure: 'http→http growth', atMost: 15 },
  { figure: 'isolation p99', atMost: 2 },
  { figure: 'middleware chain', atMost: 10 },
  { figure: 'circuit open refusal', atMost: 5000 },
  { figure: 'workflow ms per step', atMost: 0.5 },
  { figure: 'workflow 20 parallel steps, efficiency', atLeast: 0.95 },
  { figure: 'workflow 50 runs, efficiency', atLeast: 0.9 },
  { figure: 'workflow plan of 100 steps, ms', atMost: 50 },
];

export type Verdict = 'met' | 'missed' | 'not measured';

export function verdictOn(
  { figure, atMost = Infinity, atLeast = -Infinity }: Target,
  figures: Readonly<Record<string, number>>,
): Verdict {
  const value = figures[figure];
  if (value === undefined || Number.isNaN(value)) return 'not measured';
  return value <= atMost && value >= atLeast ? 'met' : 'missed';
}
