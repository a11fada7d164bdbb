/** What a run waits for, what somebody can do about it, and who may. */
import type { JsonObject } from '../../json/json.ts';

export interface Attention extends JsonObject {
  readonly step: string;
  readonly question: string;
  readonly options: readonly string[];
  /** Whose word it takes; `caller`: a model's is enough. */
  readonly by?: 'person' | 'caller' | undefined;
}

export function nextStep(runId: string, attention: readonly Attention[]): string {
  const command = `"switchyard workflow resume ${runId}"`;
  const open = attention.filter(({ options }) => options.length > 0);
  if (open.length === 0)
    return `Once the cause is gone, call resume_workflow with run_id "${runId}" and no decision; at the machine: ${command}.`;
  return open.map((one) => wayOf(one, runId, command)).join(' ');
}

function wayOf({ step, options, by }: Attention, runId: string, command: string): string {
  if (by === 'person')
    return `"${step}" is for a person to decide, and not for a model: at the machine, ${command}; or call resume_workflow with run_id "${runId}" and no decision from a client that shows forms to its user.`;
  return `A model may decide "${step}" after it has looked: call resume_workflow with run_id "${runId}", step "${step}" and decision ${options.join(' | ')}. At the machine: ${command}.`;
}
