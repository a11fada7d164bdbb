/**
 * Tools that nobody may call (`expose.never`), and tools whose every call the person is asked about (`expose.confirm`).
 *
 * Stands where the name is the target's own, whichever way the call came: directly, by `call_*`, or from a workflow.
 */
import type { ExposeConfig } from '../config/config.ts';
import { Answer } from '../core/answer.ts';
import type { Call, Middleware } from '../core/call.ts';
import { INVALID_PARAMS, ProxyError, RpcError } from '../core/errors.ts';
import { Json } from '../json/json.ts';
import { foreignLine, shortened } from '../search/foreign-line.ts';
import { formAsk } from '../workflow/questions/askable.ts';
import { matchesAny } from './tool-globs.ts';

/** Arguments in a question, in characters. */
const MAX_SHOWN = 600;

/** @returns `undefined` where the config has no such rules: then calls pass nothing. */
export function callRules({
  never,
  confirm,
}: Pick<ExposeConfig, 'never' | 'confirm'>): Middleware | undefined {
  const asks = [...confirm.keys()];
  if (never.length === 0 && asks.length === 0) return undefined;
  return (next) => (call) => {
    if (call.method !== 'tools/call') return next(call);
    if (matchesAny(call.name, never))
      throw RpcError.of(
        INVALID_PARAMS,
        `"${call.name}" may not be called: expose.never of the config forbids it.`,
      );
    if (!matchesAny(call.name, asks)) return next(call);
    return Answer.from(confirmed(call).then(() => next(call)));
  };
}

/** @throws ProxyError where the person does not agree or cannot be asked. */
async function confirmed(call: Call): Promise<void> {
  const ask = formAsk(call);
  if (!ask)
    throw refused(
      `Nothing was called: "${call.name}" needs the person's consent (expose.confirm), and this client cannot ask.`,
    );
  const args = shortened(foreignLine(call.params.textAt('arguments') ?? '{}'), MAX_SHOWN);
  const answer = await ask({
    method: 'elicitation/create',
    params: Json.of({
      mode: 'form',
      message: `Call ${call.name} with ${args}?`,
      requestedSchema: {
        type: 'object',
        properties: { confirm: { type: 'boolean', title: 'Call it', default: false } },
        required: ['confirm'],
      },
    }),
    server: 'switchyard',
    signal: call.signal,
  });
  if (answer.at('action') === 'accept' && answer.at('content', 'confirm') === true) return;
  throw refused(`Nothing was called: the person was asked about "${call.name}" and did not agree.`);
}

function refused(message: string): ProxyError {
  return new ProxyError('CANCELLED', { message, delivered: false });
}
