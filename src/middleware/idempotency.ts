/**
 * Gives every tool call a key that stays the same over all its attempts, so that a server can tell a repetition.
 *
 * A client's own key is kept.
 */
import { randomUUID } from 'node:crypto';
import type { Call, Middleware } from '../core/call.ts';
import { callWith } from '../core/call-with.ts';
import { at, isObject, Json, stringAt } from '../core/json.ts';
import { editObject, membersOf, memberText } from '../core/json-edit.ts';

const META_IDEMPOTENCY_KEY = 'switchyard/idempotencyKey';

/** Outside of all attempts: puts the key into `_meta`. */
export function idempotencyKey(makeKey: () => string = randomUUID): Middleware {
  return (next) => (call) => {
    if (call.method !== 'tools/call' || keyOf(call) !== undefined) return next(call);
    return next(callWith(call, { params: withKey(call.params, makeKey()) }));
  };
}

/** Spliced in, not edited in: this happens to every call. */
function withKey(params: Json, key: string): Json {
  const { text } = params;
  const member = `"${META_IDEMPOTENCY_KEY}":"${key}"`;
  const value = params.object ?? {};
  const end = text.lastIndexOf('}');
  // Spelled out for what most calls have: a spread of a parsed object costs more than all the rest here.
  if (isUsual(Object.keys(value)))
    return Json.parsed(`${text.slice(0, end)},"_meta":{${member}}}`, {
      name: value['name'],
      arguments: value['arguments'],
      _meta: { [META_IDEMPOTENCY_KEY]: key },
    });
  const meta = isObject(value['_meta']) ? value['_meta'] : {};
  const span =
    value['_meta'] === undefined ? undefined : membersOf(text)?.findLast((one) => one.key === '_meta');
  const changed = { ...value, _meta: { ...meta, [META_IDEMPOTENCY_KEY]: key } };
  if (!span) {
    const comma = Object.keys(value).length > 0 ? ',' : '';
    return Json.parsed(`${text.slice(0, end)}${comma}"_meta":{${member}}}`, changed);
  }
  const comma = Object.keys(meta).length > 0 ? ',' : '';
  const open = text.indexOf('{', span.start);
  return Json.parsed(`${text.slice(0, open + 1)}${member}${comma}${text.slice(open + 1)}`, changed);
}

function isUsual(keys: readonly string[]): boolean {
  return keys.length === 2 && keys[0] === 'name' && keys[1] === 'arguments';
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

function keyOf({ params }: Call): string | undefined {
  return stringAt(at(params.value, '_meta'), META_IDEMPOTENCY_KEY);
}
