/** One item of a step's list, or the whole step where it has none. */
import type { JsonObject } from '../../json/json.ts';
import type { Step, Work } from '../definition/program.ts';
import type { FlowAtWork } from './flow-at-work.ts';
import type { InvokeContext } from './invoke-context.ts';
import type { StepState } from './step-state.ts';

export interface Item {
  readonly flow: FlowAtWork;
  readonly step: Step;
  readonly state: StepState;
  readonly index: number | undefined;
  readonly scope: JsonObject;
}

export type WorkOf<K extends Work['kind']> = Extract<Work, { kind: K }>;

/** The beginning of the item's keys: `close[3]`. */
export function baseOf({ flow, step, index }: Item): string {
  return `${flow.prefix}${step.id}${index === undefined ? '' : `[${index}]`}`;
}

export function itemContext(item: Item, base: string): InvokeContext {
  const { host, port } = item.flow.context;
  const watch = (status: 'running' | 'waiting' | 'in_doubt'): void => {
    item.state.status = status;
  };
  return { host, port, base, step: baseOf(item), scope: item.scope, watch };
}
