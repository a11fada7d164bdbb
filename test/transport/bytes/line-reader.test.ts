import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { wholeText } from '../../../src/json/elided.ts';
import { LineReader } from '../../../src/transport/bytes/line-reader.ts';
import type { Oversized } from '../../../src/json/oversized.ts';

interface Framed {
  readonly lines: string[];
  readonly oversized: Oversized[];
}

function frame(chunks: Iterable<Buffer | string>, longest = 1e6): Framed {
  const framed: Framed = { lines: [], oversized: [] };
  const framing = new LineReader(longest, {
    line: (text) => framed.lines.push(wholeText(text)),
    oversized: (line) => framed.oversized.push(line),
  });
  for (const chunk of chunks) framing.push(Buffer.from(chunk as string));
  framing.end();
  return framed;
}

/** The bytes in pieces of this size. */
function* cut(text: string, size: number): Generator<Buffer> {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

describe('line framing', () => {
  test('gives the lines of a chunk one by one', () => {
    expect(frame(['a\nbb\nccc\n']).lines).toEqual(['a', 'bb', 'ccc']);
  });

  test('A10 joins what was split anywhere, even within a character', () => {
    const lines = ['{"a":"grüße 🦊"}', '"line\u2028separator"', 'last'];
    for (const size of [1, 2, 3, 5, 1000])
      expect(frame(cut(lines.join('\r\n') + '\n', size)).lines).toEqual(lines);
  });

  test('A10 takes any lines, however they are split', () => {
    const line = fc.string({ unit: 'binary' }).map((text) => `x${text.replace(/[\r\n]/g, '')}`);
    fc.assert(
      fc.property(fc.array(line), fc.array(fc.nat(20)), fc.boolean(), (lines, sizes, carriage) => {
        const bytes = Buffer.from(lines.map((text) => text + (carriage ? '\r\n' : '\n')).join(''));
        const chunks: Buffer[] = [];
        let at = 0;
        for (const size of sizes) chunks.push(bytes.subarray(at, (at += size)));
        chunks.push(bytes.subarray(at));
        expect(frame(chunks).lines).toEqual(lines);
      }),
    );
  });

  test('leaves out empty lines and a byte order mark at the start', () => {
    expect(frame(['\uFEFF{}\n', '\n\r\n', '\uFEFF\n']).lines).toEqual(['{}', '\uFEFF']);
  });

  test('gives a last line that lacks its newline', () => {
    expect(frame(['a\n{"b"', ':1}']).lines).toEqual(['a', '{"b":1}']);
  });

  test('takes a line of exactly the limit, and not one byte more', () => {
    for (const size of [1, 4, 100]) {
      const { lines, oversized } = frame(cut('12345678\n123456789\n1\n', size), 8);
      expect(lines).toEqual(['12345678', '1']);
      expect(oversized.map(({ bytes }) => bytes)).toEqual([9]);
    }
  });

  test('costs linear time for a long line in small pieces', () => {
    const text = 'x'.repeat(4e6);
    const since = performance.now();
    expect(frame(cut(text + '\n', 8), 1e7).lines).toEqual([text]);
    expect(performance.now() - since).toBeLessThan(2000);
  });

  test('A09 keeps nothing of an oversized line', () => {
    const framing = new LineReader(1e6, { line: () => {}, oversized: () => {} });
    framing.push(Buffer.from('{"jsonrpc":"2.0","id":7,"result":"'));
    const chunk = Buffer.alloc(65536, 'y');
    const before = process.memoryUsage();
    const since = performance.now();
    for (let i = 0; i < 4096; i++) framing.push(chunk);
    const after = process.memoryUsage();
    expect(performance.now() - since).toBeLessThan(2000);
    expect(after.arrayBuffers - before.arrayBuffers).toBeLessThan(8e6);
    expect(after.heapUsed - before.heapUsed).toBeLessThan(32e6);
  });
});

describe('the id of an oversized message', () => {
  const huge = JSON.stringify({
    id: 99,
    method: 'no',
    text: 'q"\\{}[],:\\"'.repeat(50),
    deep: [[{ id: 98 }]],
  });

  const cases: readonly [text: string, id: number | string | undefined, hasMethod: boolean][] = [
    [`{"jsonrpc":"2.0","id":5,"result":${huge}}`, 5, false],
    [`{"result":${huge},"jsonrpc":"2.0","id":5}`, 5, false],
    [` { "result" : ${huge} , "id" : -12 } `, -12, false],
    [`{"id":"a\\"b","result":${huge}}`, 'a"b', false],
    [`{"result":${huge},"id":"grüße 🦊"}`, 'grüße 🦊', false],
    [`{"\\u0069d":3,"result":${huge}}`, 3, false],
    [`{"id":1,"result":${huge},"id":2}`, 2, false],
    [`{"id":null,"result":${huge}}`, undefined, false],
    [`{"id":{"id":4},"result":${huge}}`, undefined, false],
    [`{"method":"sampling/createMessage","params":${huge},"id":0}`, 0, true],
    [`{"result":${huge}}`, undefined, false],
    [`[{"id":5,"result":${huge}}]`, undefined, false],
    [`"id":5 ${huge}`, undefined, false],
    [`Listening {"id":5,"result":${huge}}`, undefined, false],
  ];

  test.each(cases)('is found in %.40s…', (text, id, hasMethod) => {
    for (const size of [1, 2, 7, 64, 100_000]) {
      const { lines, oversized } = frame(cut(text + '\n{"next":1}\n', size), 100);
      expect(oversized).toEqual([{ bytes: Buffer.byteLength(text), id, hasMethod }]);
      expect(lines).toEqual(['{"next":1}']);
    }
  });

  test('is what JSON.parse would find', () => {
    const member = fc.tuple(fc.constantFrom('a', 'result', 'method_'), fc.jsonValue());
    const id = fc.oneof(fc.integer(), fc.string(), fc.constant(null));
    fc.assert(
      fc.property(
        fc.array(member),
        id,
        fc.array(member),
        fc.integer({ min: 1, max: 30 }),
        (before, own, after, size) => {
          const text = JSON.stringify(
            Object.fromEntries([...before, ['id', own], ...after]),
            null,
            ' ',
          ).replaceAll('\n', ' ');
          const { oversized } = frame(cut(text, size), 1);
          expect(oversized[0]?.id).toBe(own ?? undefined);
        },
      ),
    );
  });
});
