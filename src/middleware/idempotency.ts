/**
 * Gives a tool call that may be made again a key that stays the same over all its attempts, so that a server can tell
 * a repetition. A call that is made once at most goes out as it came.
 *
 * A client's own key is kept.
 */
import { randomFillSync } from 'node:crypto';
import { callWith } from '../core/call-with.ts';
import { type Call, idempotencyKeyOf, type Middleware } from '../core/call.ts';
import { editObject, memberText } from '../json/edit.ts';

/** Adds the key, outside of all attempts. */
export function idempotencyKey(
  makeKey = randomKeys(),
  mayComeTwice: (call: Call) => boolean = () => true,
): Middleware {
  return (next) => (call) =>
    call.method === 'tools/call' && mayComeTwice(call) && keyOf(call) === undefined
      ? next(callWith(call, { idempotencyKey: makeKey() }))
      : next(call);
}

/** Repeats the key, around one server, in the argument that a tool has for it. */
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

/**
 * Random UUIDs (version 4) are spelt many at a time: every call needs one, and `node:crypto` returns a string of twenty
 * pieces that has to be put together before it can be sent.
 */
const BATCH = 512;
const RANDOM_BYTES = 16;
/** Characters of one key. */
const LENGTH = 36;
const HYPHEN = 0x2d;
const DIGITS = Buffer.from('0123456789abcdef');

/** @returns what makes one after the other; none can be told from those before it. */
export function randomKeys(): () => string {
  const random = Buffer.allocUnsafeSlow(BATCH * RANDOM_BYTES);
  const spelt = Buffer.allocUnsafeSlow(BATCH * LENGTH);
  let texts = '';
  let next = 0;
  return () => {
    if (next === texts.length) {
      texts = spell(randomFillSync(random), spelt);
      next = 0;
    }
    return texts.slice(next, (next += LENGTH));
  };
}

function spell(random: Buffer, spelt: Buffer): string {
  let at = 0;
  for (let i = 0; i < random.length; i++) {
    const place = i % RANDOM_BYTES;
    let byte = random[i] as number;
    // Positions 6 and 8 hold the version and the variant.
    if (place === 6) byte = (byte & 0x0f) | 0x40;
    else if (place === 8) byte = (byte & 0x3f) | 0x80;
    if (place === 4 || place === 6 || place === 8 || place === 10) spelt[at++] = HYPHEN;
    spelt[at++] = DIGITS[byte >> 4] as number;
    spelt[at++] = DIGITS[byte & 0x0f] as number;
  }
  return spelt.toString('latin1');
}
