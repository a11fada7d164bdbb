import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createParser } from 'eventsource-parser';
import { wholeText } from '../../../src/json/elided.ts';
import { EventStream } from '../../../src/transport/sse/event-stream.ts';
import type { Oversized } from '../../../src/json/oversized.ts';

interface Read {
  readonly events: { data: string; type: string }[];
  readonly retries: number[];
  readonly oversized: Oversized[];
  readonly lastEventId: string | undefined;
  readonly whole: boolean;
}

function read(chunks: readonly (string | Buffer)[], limit = 10_000, skips = false): Read {
  const events: Read['events'] = [];
  const retries: number[] = [];
  const oversized: Oversized[] = [];
  const stream = new EventStream(limit, {
    event: ({ data, type }) => events.push({ data: wholeText(data), type }),
    retry: (ms) => retries.push(ms),
    ...(skips && { oversized: (event: Oversized) => oversized.push(event) }),
  });
  const whole = chunks.every((chunk) => stream.push(Buffer.from(chunk)));
  return { events, retries, oversized, lastEventId: stream.lastEventId, whole };
}

function pieces(bytes: Buffer, sizes: readonly number[]): Buffer[] {
  const cut: Buffer[] = [];
  for (let at = 0, n = 0; at < bytes.length; n++) {
    const size = sizes[n % sizes.length] ?? 1;
    cut.push(bytes.subarray(at, at + size));
    at += size;
  }
  return cut;
}

const line = fc.oneof(
  fc.constantFrom(
    '',
    '',
    'data',
    'data:',
    'data: ',
    'id: 7',
    'id',
    'retry: 12',
    'retry: x',
    ':note',
    'event: a',
    'other: b',
    'datax: c',
  ),
  fc.string({ unit: 'grapheme' }).map((text) => `data: ${text.replaceAll(/[\r\n]/g, '')}`),
);
const text = fc
  .array(fc.tuple(line, fc.constantFrom('\n', '\r\n', '\r')))
  .map((lines) => lines.flat().join(''));
const sizes = fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1 });

describe('an event stream', () => {
  test('is read alike however it is cut', () => {
    fc.assert(
      fc.property(text, sizes, (whole, cuts) => {
        const bytes = Buffer.from(whole);
        expect(read(pieces(bytes, cuts))).toEqual(read([bytes]));
      }),
    );
  });

  test('is read as a parser that others use reads it', () => {
    fc.assert(
      fc.property(text, (whole) => {
        const theirs: Read['events'] = [];
        const parser = createParser({
          onEvent: ({ data, event = '' }) => theirs.push({ data, type: event }),
        });
        // It waits after a last CR for a LF that may follow.
        parser.feed(`${whole}: end\n`);
        expect(read([`${whole}: end\n`]).events).toEqual(theirs);
      }),
    );
  });

  test('may begin with a byte order mark', () => {
    expect(read(['\uFEFFdata: a\n\n']).events).toEqual([{ data: 'a', type: '' }]);
  });

  test('remembers an id that comes without data, and none that could not be sent back', () => {
    expect(read(['id: 5\n\nid: a\0b\n\nid: \u{1F600}\n\n']).lastEventId).toBe('5');
  });

  test('E07: is of no use any more once a line or an event is over the limit', () => {
    expect(read(['data: ', 'x'.repeat(60), 'x'.repeat(60)], 100).whole).toBe(false);
    expect(read(['data: xxxxx\n'.repeat(20)], 100).whole).toBe(false);
    expect(read([':', ':'.repeat(100)], 100).whole).toBe(false);
    expect(read(['data: xxxxx\n\n'.repeat(200)], 100).events).toHaveLength(200);
  });

  test('E07: reads over what is too large where many share it, and tells whose it was', () => {
    fc.assert(
      fc.property(sizes, fc.constantFrom('\n', '\r\n', '\r'), (cuts, end) => {
        const large = JSON.stringify({ result: 'x'.repeat(300), id: 4 });
        const stream = ['data: a', '', `data: ${large}`, '', 'data: b', '', ''].join(end);
        const { events, oversized, whole } = read(pieces(Buffer.from(stream), cuts), 100, true);
        expect(whole).toBe(true);
        expect(events.map(({ data }) => data)).toEqual(['a', 'b']);
        expect(oversized).toMatchObject([{ id: 4, hasMethod: false }]);
      }),
    );
  });
});
