/**
 * Gives a tool call that may be made again a key that stays the same over all its attempts, so that a server can tell
 * a repetition. A call that is made once at most goes out as it came.
 *
 * A client's own key is kept.
 */
import type { Call, Middleware } from '../core/call.ts';
import { callWith } from '../core/call-with.ts';
import { idempotencyKeyOf } from '../core/idempotency-key.ts';
import { editObject, memberText } from '../core/json-edit.ts';
import { randomKeys } from './random-keys.ts';

/** Outside of all attempts. */
export function idempotencyKey(
  makeKey = randomKeys(),
  mayComeTwice: (call: Call) => boolean = () => true,
): Middleware {
  return (next) => (call) =>
    call.method === 'tools/call' && mayComeTwice(call) && keyOf(call) === undefined
      ? next(callWith(call, { idempotencyKey: makeKey() }))
      : next(call);
}

/** Around one server: repeats the key in the argument that a tool of its own has for it. */
export function idempotencyArgument(argumentOf: (tool: string) => string | undefined): Middleware {
  return (next) => (call) => {
    const argument = call.method === 'tools/call' ? argumentOf(call.name) : undefined;
    const key = argument === undefined ? undefined : keyOf(call);
    if (argument === undefined || key === undefined) return next(call);
    if (call.params.at('arguments', argument) !== undefined) return next(call);
    const params = call.params.edit((text) => {
      const args = editObject(memberText(text, 'arguments') ?? '{}', { [argument]: JSON.stringify(key) });
      return editObject(text, { arguments: args });
    });
    return next(callWith(call, { params }));
  };
}

function keyOf({ idempotencyKey: given, params }: Call): string | undefined {
  return given ?? idempotencyKeyOf(params);
}
