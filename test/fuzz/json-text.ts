/** JSON texts that no printer would write: odd numbers, escapes, keys, white space, depth. Valid all the same. */
import fc from 'fast-check';

/** A member of an object; key and value as JSON text. */
export interface Member {
  readonly key: string;
  readonly value: string;
}

/** An object, still in parts, so that a test can say what it looks like with one of them changed. */
export interface ObjectParts {
  readonly members: readonly Member[];
  /** White space, used in turn between all tokens. */
  readonly spaces: readonly string[];
}

const PIECES = [
  ...[
    '\\"',
    '\\\\',
    '\\/',
    '\\b',
    '\\n',
    '\\u0000',
    '\\u0061',
    '\\u2028',
    '\\u00e9',
    '\\ud800',
    '\\udc00\\ud83d',
  ],
  ...['\u2028', '\u2029', '\u007f', '\ufeff', 'é', '😀', ' ', '{', '}', '[', ']', ',', ':', "'", '\\\\\\"'],
];

const NUMBERS = [
  ...['0', '-0', '1.0', '-0.0', '1e400', '-1E+400', '1e-400', '12345678901234567890', '9007199254740993'],
  ...['0.1e1', '1E5', '0.30000000000000004', '-12345678901234567890.5', '100000000000000000000000'],
];

const KEYS = [
  ...['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', '\\u005f_proto__', ''],
  ...['10', '2', '1', '0', '-1', '01', '4294967295', 'a', '\\u0061', 'x/y', 'com.example/z'],
];

const quoted = (inner: string): string => `"${inner}"`;

export const space: fc.Arbitrary<string> = fc.constantFrom('', '', '', '', ' ', '\t', '\n', '\r\n', ' \n\t ');

/** Lone surrogates, which have no form in UTF-8, become escapes. */
const anyCharacter = fc.integer({ min: 0, max: 0x10ffff }).map((code) => String.fromCodePoint(code));

export const stringText: fc.Arbitrary<string> = fc
  .array(
    fc.oneof(
      fc.constantFrom(...PIECES),
      fc.string({ maxLength: 8 }).map((text) => JSON.stringify(text).slice(1, -1)),
      anyCharacter.map((text) => JSON.stringify(text).slice(1, -1)),
    ),
    { maxLength: 5 },
  )
  .map((pieces) => quoted(pieces.join('')));

const numberText: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom(...NUMBERS),
  fc.integer().map(String),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map(String),
);

export const keyText: fc.Arbitrary<string> = fc.oneof(fc.constantFrom(...KEYS).map(quoted), stringText);

const spaces = fc.array(space, { minLength: 1, maxLength: 5 });

const { value } = fc.letrec<{ value: string; object: string; array: string }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', maxDepth: 4 },
    fc.oneof(numberText, stringText, fc.constantFrom('null', 'true', 'false', '{}', '[]', '{ }', '[\n]')),
    tie('object'),
    tie('array'),
  ),
  object: fc
    .record({
      members: fc.array(fc.record({ key: keyText, value: tie('value') }), { maxLength: 4 }),
      spaces,
    })
    .map(print),
  array: fc
    .tuple(fc.array(tie('value'), { maxLength: 4 }), spaces)
    .map(([elements, between]) => printArray(elements, between)),
}));

export const valueText: fc.Arbitrary<string> = value;

/** Nested `levels` deep, alternating objects and arrays. */
export function nested(levels: number): string {
  const pairs = levels >> 1;
  const odd = levels % 2 === 1;
  return `${'{"d":['.repeat(pairs)}${odd ? '[' : ''}-0${odd ? ']' : ''}${']}'.repeat(pairs)}`;
}

/** Now and then deep: an eighth of the values. */
export function valueUpTo(levels: number): fc.Arbitrary<string> {
  return fc.oneof({ weight: 7, arbitrary: valueText }, fc.integer({ min: 1, max: levels }).map(nested));
}

/** Members under any keys but these (unescaped) ones, which the test or the proxy gives a meaning. */
function extras(but: readonly string[], levels = 100): fc.Arbitrary<Member[]> {
  const free = keyText.filter((key) => !but.includes(JSON.parse(key) as string));
  return fc.array(fc.record({ key: free, value: valueUpTo(levels) }), { maxLength: 4 });
}

/** The known members somewhere among others. */
export function objectWith(known: readonly Member[], but: readonly string[] = []): fc.Arbitrary<ObjectParts> {
  const taken = [...but, ...known.map(({ key }) => JSON.parse(key) as string)];
  return extras(taken).chain((more) => {
    const all = [...known, ...more];
    return fc.record({
      members: fc.shuffledSubarray(all, { minLength: all.length, maxLength: all.length }),
      spaces,
    });
  });
}

export function member(key: string, text: string): Member {
  return { key: JSON.stringify(key), value: text };
}

export function print({ members, spaces: between }: ObjectParts): string {
  let turn = 0;
  const next = (): string => between[turn++ % between.length] ?? '';
  const inner = members.map(({ key, value: text }) =>
    [next(), key, next(), ':', next(), text, next()].join(''),
  );
  return `{${inner.length > 0 ? inner.join(',') : next()}}`;
}

export function printArray(elements: readonly string[], between: readonly string[]): string {
  let turn = 0;
  const next = (): string => between[turn++ % between.length] ?? '';
  return `[${elements.length > 0 ? elements.map((text) => `${next()}${text}${next()}`).join(',') : next()}]`;
}

/** The parts with other values (or, with `undefined`, without) these members. */
export function changed(
  parts: ObjectParts,
  changes: Readonly<Record<string, ((text: string) => string) | undefined>>,
): ObjectParts {
  const members = parts.members.flatMap(({ key, value: text }) => {
    const name = JSON.parse(key) as string;
    if (!Object.hasOwn(changes, name)) return [{ key, value: text }];
    const change = changes[name];
    return change ? [{ key, value: change(text) }] : [];
  });
  return { ...parts, members };
}

/** The text without white space between tokens; every token as it is spelt. Knows nothing of the code under test. */
export function minify(text: string): string {
  return text.replaceAll(/("[^"\\]*(?:\\.[^"\\]*)*")|\s+/gs, '$1');
}
