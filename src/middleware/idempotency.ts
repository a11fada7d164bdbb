/**
 * Gives every tool call a key that stays the same over all its attempts, so that a server can tell a repetition.
 *
 * A client's own key is kept.
 */
import { randomUUID } from 'node:crypto';
import type { Call, Middleware } from '../core/call.ts';
import { callWith } from '../core/call-with.ts';
import { idempotencyKeyOf } from '../core/idempotency-key.ts';
import { at, Json } from '../core/json.ts';
import { editObject, memberText } from '../core/json-edit.ts';

/** Outside of all attempts. */
export function idempotencyKey(makeKey: () => string = randomUUID): Middleware {
  return (next) => (call) =>
    call.method === 'tools/call' && keyOf(call) === undefined
      ? next(callWith(call, { idempotencyKey: makeKey() }))
      : next(call);
}

/** Around one server: repeats the key in the argument that a tool of its own has for it. */
export function idempotencyArgument(argumentOf: (tool: string) => string | undefined): Middleware {
  return (next) => (call) => {
    const argument = call.method === 'tools/call' ? argumentOf(call.name) : undefined;
    const key = argument === undefined ? undefined : keyOf(call);
    if (argument === undefined || key === undefined) return next(call);
    if (at(call.params.value, 'arguments', argument) !== undefined) return next(call);
    const { text } = call.params;
    const args = editObject(memberText(text, 'arguments') ?? '{}', { [argument]: JSON.stringify(key) });
    return next(callWith(call, { params: Json.fromText(editObject(text, { arguments: args })) }));
  };
}

function keyOf({ idempotencyKey: given, params }: Call): string | undefined {
  return given ?? idempotencyKeyOf(params);
}
