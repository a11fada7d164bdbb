import type { Ask, Client } from '../core/call.ts';
import { Cancellation } from '../core/cancellation.ts';
import { ProxyError } from '../core/errors.ts';
import { isObject, Json } from '../core/json.ts';
import { listed } from '../core/nearest.ts';
import { InvalidDefinition } from './definition/invalid-definition.ts';
import { planOf, programWrites, toolsOf } from './plan.ts';
import type { ReadWorkflow } from './read-workflow.ts';
import { isReadOnly } from './tools.ts';

export interface Consent {
  readonly inline: 'ask' | 'allow' | 'read-only' | 'off';
  readonly client: Client;
  readonly ask: Ask | undefined;
  readonly saved: readonly string[];
  readonly signal: Cancellation | undefined;
}

/**
 * A definition in the call is the model's own program: the operator says whether it may run, and the user if asked.
 *
 * @throws InvalidDefinition | ProxyError where it may not.
 */
export async function askConsent(
  { program, context }: ReadWorkflow,
  { inline, client, ask, saved, signal }: Consent,
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
  if (!ask || !isObject(client.capabilities['elicitation'])) return;
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
  const content = answer.object?.['content'];
  if (answer.object?.['action'] !== 'accept' || !isObject(content) || content['confirm'] !== true)
    throw new ProxyError('CANCELLED', {
      message: 'the user did not agree to run this workflow: nothing was called',
      delivered: false,
    });
}
