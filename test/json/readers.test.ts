/** All that reads JSON must see the same in the same text: where two differ, a message could mean two things. */
import fc from 'fast-check';
import { isDeepStrictEqual } from 'node:util';
import { describe, expect, test } from 'vitest';
import { objectMembers } from '../../src/json/edit.ts';
import { Elider } from '../../src/json/elide.ts';
import { parseExact, printExact } from '../../src/json/exact-json.ts';
import { OversizedScanner } from '../../src/json/oversized.ts';
import { looseStringEnd, looseValueEnd, numberEnd, stringEnd, valueEnd } from '../../src/json/reader.ts';
import { scanObject } from '../../src/json/scan.ts';
import { canonical } from '../../src/middleware/cache.ts';
import { nested, objectWith, print, stringText, valueText } from '../fuzz/json-text.ts';
import { pieceSizes, piecesOf, withLongMembers } from '../fuzz/long-messages.ts';

const PIECES = [
  ...[
    '',
    '}',
    '{',
    ']',
    '[',
    '"',
    ',',
    ':',
    '\\',
    '\\"',
    '\\u',
    '\\u12',
    '\\ud83d',
    '\\q',
    ' ',
    '\t',
    '\u0000',
  ],
  ...[
    '\u001f',
    '\u007f',
    '\u2028',
    '\ufeff',
    '😀',
    '\ud83d',
    '0',
    '-',
    '.',
    'e',
    '1.',
    '01',
    '+1',
    'tru',
    'nul',
  ],
  ...['true', 'NaN', "'", '//', '[[[[[[[[[[[[[[[[', '{"a":'.repeat(16), 'x'.repeat(40), '\r', '\n'],
];

const asOneLine = (text: string): string => text.replaceAll(/[\r\n]/g, ' ');
const values = valueText.map((text) => asOneLine(text).trim());
const damages = fc.array(fc.tuple(fc.nat(), fc.nat(3), fc.constantFrom(...PIECES)), { maxLength: 3 });

function damaged(text: string, all: readonly (readonly [number, number, string])[]): string {
  return all.reduce((now, [place, gone, added]) => {
    const at = place % (now.length + 1);
    return now.slice(0, at) + added + now.slice(at + gone);
  }, text);
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** The ends of JSON values that begin where this text does, by trying them all. */
function endsOf(text: string): number[] {
  return Array.from({ length: text.length }, (_, i) => i + 1).filter((end) => isJson(text.slice(0, end)));
}

function scannerOf(text: string, sizes: readonly number[]): OversizedScanner {
  const scanner = new OversizedScanner();
  for (const piece of piecesOf(Buffer.from(text), sizes)) scanner.scan(piece);
  return scanner;
}

describe('the strict reader', () => {
  test('ends a value where the parser would, and takes nothing that the parser refuses', () => {
    let taken = 0;
    fc.assert(
      fc.property(values, damages, (value, all) => {
        const text = damaged(value, all);
        const end = valueEnd(text, 0, Infinity);
        if (end < 0) {
          // A line break is white space to the parser, and a reason to look closer to this reader.
          expect([text, /[\r\n]/.test(text) || !isJson(text) || /^\s/.test(text)]).toEqual([text, true]);
          return;
        }
        taken++;
        expect([text, isJson(text.slice(0, end))]).toEqual([text, true]);
      }),
      { numRuns: 4000 },
    );
    expect(taken).toBeGreaterThan(1000);
  });

  test('ends a value at the longest text that the parser takes', () => {
    const after = fc.constantFrom('', ',', '}', ']', ' ', '1', 'e5', '.5', '"', 'x', '-');
    fc.assert(
      fc.property(
        fc.oneof(values, fc.double().map(String), fc.bigInt().map(String)),
        after,
        (value, more) => {
          const text = value + more;
          const end = valueEnd(text, 0, Infinity);
          const whole = endsOf(text).filter((one) => text.slice(0, one).trimEnd().length === one);
          // `NaN`, `1e` and the like.
          if (end < 0) return;
          expect([text, end]).toEqual([text, whole.at(-1)]);
        },
      ),
    );
  });

  test('reads strings of all lengths and kinds as the parser does', () => {
    const filler = fc.nat(80).map((length) => 'x'.repeat(length));
    const pieces = fc.array(
      fc.oneof(
        filler,
        stringText.map((text) => text.slice(1, -1)),
        fc.constantFrom(...PIECES),
      ),
    );
    fc.assert(
      fc.property(pieces, (inner) => {
        const text = `"${inner.join('')}"`;
        const end = stringEnd(text, 0);
        expect([text, end === text.length]).toEqual([text, isJson(text)]);
        if (end > 0) expect([text, looseStringEnd(text, 0)]).toEqual([text, end]);
      }),
      { numRuns: 2000 },
    );
  });

  test('reads numbers as the parser does', () => {
    const parts = fc.array(fc.constantFrom('0', '1', '9', '12', '-', '+', '.', 'e', 'E', ' '), {
      maxLength: 7,
    });
    fc.assert(
      fc.property(parts, (all) => {
        const text = all.join('').trim();
        expect([text, text !== '' && numberEnd(text, 0) === text.length]).toEqual([text, isJson(text)]);
      }),
      { numRuns: 4000 },
    );
  });

  test('counts levels at any depth as the loose one does', () => {
    for (const levels of [1, 2, 29, 30, 31, 32, 59, 60, 61, 90, 91, 500, 100_000])
      for (const text of [nested(levels), `${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`])
        for (const most of [levels - 1, levels, Infinity]) {
          const expected = most < levels ? -1 : text.length;
          expect([levels, most, valueEnd(text, 0, most)]).toEqual([levels, most, expected]);
          expect([levels, most, looseValueEnd(text, 0, most)]).toEqual([levels, most, expected]);
        }
  });
});

describe('all readers', () => {
  const whole = objectWith([], []).map((parts) => asOneLine(print(parts)).trim());

  test('find the same members in a valid object, with the values that the parser finds', () => {
    fc.assert(
      fc.property(whole, (text) => {
        const members = objectMembers(text) ?? [];
        for (const { start, end } of members) {
          expect(valueEnd(text, start, Infinity)).toBe(end);
          expect(looseValueEnd(text, start, Infinity)).toBe(end);
        }
        const found = Object.fromEntries(
          members.map(({ key, start, end }): [string, unknown] => [key, JSON.parse(text.slice(start, end))]),
        );
        expect(isDeepStrictEqual(found, { ...(JSON.parse(text) as object) })).toBe(true);
        const places = scanObject(text, 0, text.length, Infinity);
        if (places)
          expect(places.filter((_, i) => i % 4 > 1)).toEqual(
            members.flatMap(({ start, end }) => [start, end]),
          );
      }),
    );
  });

  test('agree whether a damaged text is one object, and on its members where it is', () => {
    let taken = 0;
    fc.assert(
      fc.property(whole, damages, (text, all) => {
        const now = damaged(text, all);
        const places = scanObject(now, 0, now.length, Infinity);
        if (!places) return;
        taken++;
        expect([now, isJson(now)]).toEqual([now, true]);
        const spans = (objectMembers(now) ?? []).flatMap(({ start, end }) => [start, end]);
        expect(places.filter((_, i) => i % 4 > 1)).toEqual(spans);
      }),
      { numRuns: 3000 },
    );
    expect(taken).toBeGreaterThan(200);
  });

  test('find the same id and method in a message that is too large to keep as in its text', () => {
    const ids = fc.oneof(
      fc.integer().map(String),
      stringText,
      fc.constantFrom('null', '[]', '{"id":1}', '1.5'),
    );
    const messages = fc
      .tuple(whole, fc.option(ids), fc.boolean(), fc.boolean())
      .map(([text, id, method, first]) => {
        const own = [...(id === null ? [] : [`"id":${id}`]), ...(method ? ['"method":"m"'] : [])];
        const rest = text.slice(1, -1).trim();
        return `{${(first ? [...own, rest] : [rest, ...own]).filter((part) => part !== '').join(',')}}`;
      });
    fc.assert(
      fc.property(messages, pieceSizes, (text, sizes) => {
        const value = JSON.parse(text) as Record<string, unknown>;
        const id = Object.hasOwn(value, 'id') ? value['id'] : undefined;
        const { id: found, hasMethod } = scannerOf(text, sizes).result;
        expect([text, found]).toEqual([text, ['number', 'string'].includes(typeof id) ? id : undefined]);
        expect([text, hasMethod]).toEqual([text, Object.hasOwn(value, 'method')]);
      }),
    );
  });

  test('read what is left of an elided message as the whole of it, whatever the pieces', () => {
    fc.assert(
      fc.property(withLongMembers([]).map(print), pieceSizes, (text, sizes) => {
        const elider = new Elider();
        if (![...piecesOf(Buffer.from(text), sizes)].every((piece) => elider.add(piece))) return;
        const elided = elider.take();
        if (!elided) return;
        const short = (objectMembers(elided.text) ?? []).map(({ key, start, end }) => [
          // A long key is a mark as well.
          /^\uDC00\d+$/.test(key) ? (JSON.parse(elided.with(`"${key}"`).whole) as string) : key,
          elided.with(elided.text.slice(start, end)).whole,
        ]);
        const long = (objectMembers(text) ?? []).map(({ key, start, end }) => [key, text.slice(start, end)]);
        expect(isDeepStrictEqual(short, long)).toBe(true);
      }),
    );
  });

  test('see the same value in a cache key, and in exact numbers, as in the text', () => {
    fc.assert(
      fc.property(values, (text) => {
        const exact = printExact(parseExact(text)) as string;
        expect(isDeepStrictEqual(JSON.parse(exact), JSON.parse(text))).toBe(true);
        expect(isDeepStrictEqual(JSON.parse(canonical(text)), JSON.parse(text))).toBe(true);
      }),
    );
  });
});
