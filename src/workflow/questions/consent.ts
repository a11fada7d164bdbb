import type { AskClient } from '../../core/call.ts';
import { Cancellation } from '../../core/cancellation.ts';
import { ProxyError } from '../../core/errors.ts';
import { Json } from '../../json/json.ts';
import { listed } from '../../core/nearest.ts';
import { InvalidDefinition } from '../definition/invalid-definition.ts';
import { planOf, programWrites, toolsOf } from '../plan/plan.ts';
import type { ReadWorkflow } from '../saved/read-workflow.ts';
import { isReadOnly } from '../tools.ts';

export interface Consent {
  readonly inline: 'ask' | 'allow' | 'read-only' | 'off';
  /** `undefined` where the client shows no forms. */
  readonly ask: AskClient | undefined;
  readonly saved: readonly string[];
  readonly signal: Cancellation | undefined;
}

/**
 * A definition in the call is the model's own program: the operator decides whether it may run, and may leave it to the
 * user.
 *
 * @throws InvalidDefinition | ProxyError where it may not.
 */
export async function askConsent(
  { program, context }: ReadWorkflow,
  { inline, ask, saved, signal }: Consent,
): Promise<void> {
  if (inline === 'allow') return;
  if (inline === 'off')
    throw new InvalidDefinition([
      {
        path: 'workflow',
        message: `definitions in the call are switched off; saved workflows: ${listed(saved)}`,
      },
    ]);
  if (!programWrites(program, context)) return;
  const writing = [...toolsOf(program, context.programs)].filter(
    (tool) => !isReadOnly(context.tools.get(tool)),
  );
  if (inline === 'read-only')
    throw new InvalidDefinition(
      writing.map((tool) => ({
        path: 'steps',
        message: `only read-only tools may be called by a definition in the call; "${tool}" is not marked so`,
      })),
    );
  // Where nobody can be asked, the client's own consent to this call stands.
  if (!ask) return;
  const { max_calls: calls } = planOf(program, context);
  const message = `Run this workflow (${program.steps.length} steps, at most ${calls} calls)? It may change things with: ${listed(writing)}. Steps: ${program.steps
    .map(({ id }) => id)
    .join(', ')
    .slice(0, 500)}`;
  const requestedSchema = {
    type: 'object',
    properties: { confirm: { type: 'boolean', title: 'Run it', default: false } },
    required: ['confirm'],
  };
  const answer = await ask({
    method: 'elicitation/create',
    params: Json.of({ mode: 'form', message, requestedSchema }),
    server: 'switchyard',
    signal: signal ?? new Cancellation(),
  });
  const [action, confirm] = [answer.at('action'), answer.at('content', 'confirm')];
  if (action === 'accept' && confirm === true) return;
  const outcome =
    action === 'accept' || action === 'decline'
      ? 'Nothing was called: the user was asked whether to run this workflow, and did not agree.'
      : 'Nothing was called: the client dismissed the question whether to run this workflow, as clients without a user do.';
  throw new ProxyError('CANCELLED', { message: `${outcome} ${wayOut(saved)}`, delivered: false });
}

/** The ways that are left in a client that answers by itself. */
function wayOut(saved: readonly string[]): string {
  const names = saved.length === 0 ? 'none is saved yet' : listed(saved);
  return `Without being asked run: saved workflows (workflows.files in the config; ${names}), a dry_run, and workflows that only read. If nobody can be asked in this client, its operator may set workflows.inline to "allow".`;
}
