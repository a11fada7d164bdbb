/** Everything about a run that somebody should look at: open questions, and notes about what could not be undone. */
import type { JsonObject } from '../../json/json.ts';

export interface Attention extends JsonObject {
  readonly step: string;
  readonly question: string;
  readonly options: readonly string[];
  /** The one who may decide; `caller`: a model is enough. */
  readonly by?: 'person' | 'caller' | undefined;
}

export const MODEL_NEEDED: Attention = {
  step: '',
  question: 'A step asks the model of a client: call resume_workflow from a client that can sample.',
  options: [],
};

/** Cuts questions and notes down to the parts that clients see. */
export function attentionFor(
  found: readonly Pick<Attention, 'step' | 'question' | 'options' | 'by'>[],
): readonly Attention[] {
  return found.map(({ step, question, options, by }) => ({
    step,
    question,
    options,
    ...(by !== undefined && { by }),
  }));
}

/** The sentence that tells what to do about a run that needs attention. */
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
