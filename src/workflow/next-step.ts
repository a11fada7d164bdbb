/** What somebody can do about a run that needs attention, and who may. */
import type { Attention } from './run-view.ts';

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
