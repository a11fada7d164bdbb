/** The result of a check, in a form that is printed, drawn and stored. All texts are fit to be shown. */
import type { CheckedTools } from './tool-sizes.ts';

export interface CheckReport {
  /** The version of Switchyard. */
  readonly version: string;
  readonly node: string;
  readonly platform: string;
  /** ISO 8601. */
  readonly at: string;
  readonly tookMs: number;
  readonly healthy: boolean;
  readonly verdict: string;
  readonly totals: {
    readonly servers: number;
    readonly healthy: number;
    readonly disabled: number;
    readonly tools: number;
    readonly calls: number;
    readonly callsAnswered: number;
    readonly workflows: number;
  };
  readonly servers: readonly CheckedServer[];
  readonly workflows: readonly CheckedWorkflow[];
  /** Problems that belong to no one server: each makes the whole unhealthy. */
  readonly problems: readonly string[];
  /** Remarks that belong to no one server. */
  readonly warnings: readonly string[];
}

export type CheckState =
  'waiting' | 'starting' | 'listing' | 'ready' | 'calling' | 'healthy' | 'unhealthy' | 'disabled';

export interface CheckedServer extends CheckedTools {
  readonly server: string;
  readonly transport: string;
  readonly state: CheckState;
  readonly protocol: string | undefined;
  /** The name and version that it gives itself. */
  readonly program: string | undefined;
  /** From its start to its handshake. */
  readonly startMs: number | undefined;
  /** All its lists. */
  readonly listMs: number | undefined;
  readonly calls: readonly CheckedCall[];
  /** Each makes it unhealthy. */
  readonly problems: readonly string[];
}

export interface CheckedCall {
  readonly tool: string;
  /** `check.calls` names it; otherwise the tool says of itself that it only reads. */
  readonly declared: boolean;
  /** `error`: the tool answered that it failed. */
  readonly outcome: 'answered' | 'error' | 'failed';
  readonly ms: number;
  readonly why: string | undefined;
}

export interface CheckedWorkflow {
  readonly name: string;
  readonly healthy: boolean;
  /** The most calls that it can make. */
  readonly maxCalls: number | undefined;
  readonly problems: readonly string[];
}

/** Empty for what was not measured. */
export function milliseconds(ms: number | undefined): string {
  if (ms === undefined) return '';
  if (ms < 1000) return `${ms < 10 ? ms.toFixed(1).replace(/\.0$/, '') : Math.round(ms)} ms`;
  return `${(ms / 1000).toFixed(ms < 10_000 ? 2 : 1)} s`;
}

/** `2 of 3`; empty where none was tried. */
export function callsText({ calls }: Pick<CheckedServer, 'calls'>): string {
  const answered = calls.filter(({ outcome }) => outcome === 'answered').length;
  return calls.length === 0 ? '' : `${answered} of ${calls.length}`;
}
