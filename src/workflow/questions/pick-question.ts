import { INVALID_PARAMS, RpcError } from '../../core/errors.ts';
import { listed, nearest } from '../../core/nearest.ts';
import type { OpenQuestion } from '../run/host.ts';

const DECISIONS = ['retry', 'skip', 'fail', 'done', 'approve', 'reject'];

/** The open question that a decision is meant for. @throws RpcError where that is not clear, or it cannot be decided so. */
export function pickQuestion(
  questions: readonly OpenQuestion[],
  {
    decision = '',
    step,
    runId,
  }: { readonly decision?: string | undefined; readonly step?: string | undefined; readonly runId: string },
): OpenQuestion {
  if (!DECISIONS.includes(decision)) {
    const near = nearest(decision, DECISIONS);
    throw invalidRequest(
      `There is no decision "${decision}"; there are: ${DECISIONS.join(', ')}.${near === undefined ? '' : ` Did you mean "${near}"?`}`,
    );
  }
  if (questions.length === 0) throw invalidRequest(`The run ${runId} asks nothing at the moment.`);
  const meant = questions.filter(
    (question) => step === undefined || question.step === step || question.step.startsWith(`${step}[`),
  );
  const [question] = meant;
  if (!question || (meant.length > 1 && step === undefined))
    throw invalidRequest(`Say which "step": ${listed(questions.map((open) => open.step))}.`);
  if (!question.options.includes(decision))
    throw invalidRequest(`"${question.step}" is to be decided with: ${question.options.join(', ')}.`);
  return question;
}

/** A request that is wrong in itself. */
export function invalidRequest(message: string): RpcError {
  return RpcError.of(INVALID_PARAMS, message);
}
