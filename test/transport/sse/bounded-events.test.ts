import { createParser } from 'eventsource-parser';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Oversized } from '../../../src/json/oversized.ts';
import { BoundedEvents } from '../../../src/transport/sse/bounded-events.ts';

interface Seen {
  readonly events: string[];
  readonly oversized: Oversized[];
  readonly largest: number;
}

/** What a parser behind the bound reads, the bytes cut at these places. */
function read(text: string, places: readonly number[], limit: number): Seen {
  const events: string[] = [];
  const oversized: Oversized[] = [];
  let largest = 0;
  const decoder = new TextDecoder();
  const parser = createParser({ onEvent: ({ event = '', data }) => void events.push(`${event}|${data}`) });
  const bounded = new BoundedEvents(limit, {
    bytes(bytes) {
      largest = Math.max(largest, bytes.length);
      parser.feed(decoder.decode(bytes, { stream: true }));
    },
    oversized: (event) => void oversized.push(event),
  });
  const bytes = Buffer.from(text);
  const edges = [0, ...places.map((place) => place % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  for (let i = 1; i < edges.length; i++) bounded.push(bytes.subarray(edges[i - 1], edges[i]));
  return { events, oversized, largest };
}

/** The same without a bound and in one piece. */
function readByParser(text: string): string[] {
  const events: string[] = [];
  const parser = createParser({ onEvent: ({ event = '', data }) => void events.push(`${event}|${data}`) });
  // Whether more is to come, the parser cannot know.
  parser.feed(text.endsWith('\r') ? `${text}\n` : text);
  return events;
}

const places = fc.array(fc.nat(), { maxLength: 10 });
const piece = fc.constantFrom(
  ...[
    'data: a',
    'data:b',
    'data',
    'event: x',
    'event: endpoint',
    'id: 1',
    ': hello',
    ':',
    'retry: 1',
    'd',
    'ä€😀',
  ],
  ...['\n', '\r\n', '\r', '\n\n', '\r\n\r\n', '\r\r', '\n\n'],
);
const stream = fc.array(piece, { maxLength: 40 }).map((pieces) => pieces.join(''));

describe('an event stream with a bound', () => {
  test('is read as without one, however its bytes are cut', () => {
    fc.assert(
      fc.property(stream, places, (text, where) => {
        const { events, oversized } = read(text, where, 10_000);
        expect(oversized).toEqual([]);
        expect(events).toEqual(readByParser(text));
      }),
      { numRuns: 1000 },
    );
  });

  const answer = (id: number, size: number): string =>
    `event: message\ndata: ${JSON.stringify({ jsonrpc: '2.0', id, result: 'x'.repeat(size) })}\n\n`;

  test('leaves out what is too large, says whose answer it was, and goes on', () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { minLength: 1, maxLength: 8 }), places, (sizes, where) => {
        const text = sizes.map((large, id) => answer(id, large ? 5000 : 10)).join('');
        const { events, oversized } = read(text, where, 1000);
        expect(oversized.map(({ id }) => id)).toEqual(sizes.flatMap((large, id) => (large ? [id] : [])));
        expect(events).toHaveLength(sizes.filter((large) => !large).length);
      }),
    );
  });

  test('holds no more than the bound, but for the last chunk', () => {
    const { oversized, largest } = read(
      `data: ${'x'.repeat(1_000_000)}`,
      Array.from({ length: 500 }, (_, i) => i * 2000),
      10_000,
    );
    expect(largest).toBe(0);
    expect(oversized).toEqual([]);
  });

  test('passes on comments of any number', () => {
    expect(read(': still here\n'.repeat(1000), [500], 100).oversized).toEqual([]);
  });

  test('an event whose last line end is CR is read without what comes behind it', () => {
    expect(read('data: a\r\r', [], 100).events).toEqual(['|a']);
    expect(read(': c\rdata: a\r\n\n', [12], 100).events).toEqual(['|a']);
    expect(read('data: a\r\n\r\ndata: b\r\n\r\n', [11], 100).events).toEqual(['|a', '|b']);
  });
});
