import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MessageError } from '../../../src/transport/http1/message-error.ts';
import { ResponseReader } from '../../../src/transport/http1/response-reader.ts';

interface Told {
  readonly heads: [number, Record<string, unknown>][];
  body: string;
  ends: boolean[];
}

/** What is told of the responses, each asked for when the one before has ended. */
function read(pieces: readonly Buffer[], closes = false): Told {
  const told: Told = { heads: [], body: '', ends: [] };
  const reader: ResponseReader = new ResponseReader({
    head: (status, headers) => told.heads.push([status, { ...headers }]),
    data: (chunk) => (told.body += chunk.toString('latin1')),
    end: (keeps) => told.ends.push(keeps),
  });
  reader.expect();
  for (const piece of pieces) reader.push(piece);
  if (closes) reader.close();
  return told;
}

function cut(text: string, places: readonly number[]): Buffer[] {
  const bytes = Buffer.from(text, 'latin1');
  const edges = [0, ...places.map((place) => place % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  return edges.slice(1).map((end, i) => bytes.subarray(edges[i], end));
}

const body = fc.string({
  unit: fc.integer({ min: 0, max: 255 }).map((c) => String.fromCharCode(c)),
  maxLength: 300,
});
const places = fc.array(fc.nat(), { maxLength: 8 });

/** A response, as it is written, to this body. */
const framing: Readonly<Record<string, (body: string) => string>> = {
  'a length': (text) => `HTTP/1.1 200 OK\r\nX-A: 1\r\nContent-Length: ${text.length}\r\n\r\n${text}`,
  'what came before it': (text) =>
    `HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nx-a:1\r\ncontent-length: ${text.length}\r\n\r\n${text}`,
  chunks: (text) => {
    const parts = text.match(/[^]{1,70}/g) ?? [];
    const chunks = parts.map(
      (part, i) => `${part.length.toString(16)}${i % 2 === 0 ? '' : ' ;a="b"'}\r\n${part}\r\n`,
    );
    return `HTTP/1.1 200 OK\r\nx-a: 1 \r\nTransfer-Encoding: chunked\r\n\r\n${chunks.join('')}0\r\nx-after: 1\r\n\r\n`;
  },
};

describe('a response', () => {
  test.each(Object.keys(framing))('with %s is told the same, however its bytes are cut', (kind) => {
    fc.assert(
      fc.property(body, places, (text, where) => {
        const told = read(cut(framing[kind]?.(text) ?? '', where));
        expect(told.heads).toHaveLength(1);
        expect(told.heads[0]?.[0]).toBe(200);
        expect(told.heads[0]?.[1]).toMatchObject({ 'x-a': '1' });
        expect(told.body).toBe(text);
        expect(told.ends).toEqual([true]);
      }),
    );
  });

  test('without a length ends with its connection, which is of no more use', () => {
    fc.assert(
      fc.property(body, places, (text, where) => {
        const told = read(cut(`HTTP/1.1 200\r\n\r\n${text}`, where), true);
        expect(told).toEqual({ heads: [[200, {}]], body: text, ends: [false] });
      }),
    );
  });

  test.each([
    ['HTTP/1.1 204 No Content\r\n\r\n', true],
    ['HTTP/1.1 304 Not Modified\r\ncontent-length: 7\r\n\r\n', true],
    ['HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n', true],
    ['HTTP/1.0 200 OK\r\ncontent-length: 0\r\n\r\n', false],
    ['HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: Keep-Alive, Close\r\n\r\n', false],
    ['HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nab', false],
    ['HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\nab', false],
  ])('%j leaves the connection for another: %o', (text, keeps) => {
    const seen: boolean[] = [];
    const reader = new ResponseReader({ head() {}, data() {}, end: (kept) => seen.push(kept) });
    reader.expect();
    try {
      reader.push(Buffer.from(text));
    } catch (error) {
      // What follows an answer belongs to none.
      expect(error).toBeInstanceOf(MessageError);
    }
    expect(seen).toEqual([keeps]);
  });

  test('has all values of a field that comes more than once', () => {
    const { heads } = read([
      Buffer.from('HTTP/1.1 204\r\nset-cookie: a\r\nSet-Cookie: b\r\n__proto__: c\r\n\r\n'),
    ]);
    expect(heads[0]?.[1]['set-cookie']).toEqual(['a', 'b']);
    expect(Object.entries(heads[0]?.[1] ?? {})).toContainEqual(['__proto__', 'c']);
  });

  test.each([
    'HTTP/2 200 OK\r\n\r\n',
    'HTTP/1.1 20 OK\r\n\r\n',
    'SSH-2.0-OpenSSH\r\n\r\n',
    'HTTP/1.1 101 Switching\r\nupgrade: x\r\n\r\n',
    'HTTP/1.1 200 OK\nx: 1\r\n\r\n',
    'HTTP/1.1 200 OK\r\nx: 1\rcontent-length: 0\r\n\r\n',
    'HTTP/1.1 200 OK\r\nx: a\r\n folded\r\n\r\n',
    'HTTP/1.1 200 OK\r\nx : a\r\n\r\n',
    'HTTP/1.1 200 OK\r\nno colon\r\n\r\n',
    'HTTP/1.1 200 OK\r\nx: a\0b\r\n\r\n',
    'HTTP/1.1 200 OK\r\ncontent-length: +5\r\n\r\n',
    'HTTP/1.1 200 OK\r\ncontent-length: 0x5\r\n\r\n',
    'HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 5\r\n\r\n',
    'HTTP/1.1 200 OK\r\ncontent-length: 5, 5\r\n\r\n',
    'HTTP/1.1 200 OK\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n',
    'HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n',
    'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\nhello\r\n',
    'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n-5\r\n',
    'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello!\r\n',
    'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\nno colon\r\n\r\n',
    `HTTP/1.1 200 OK\r\nx: ${'a'.repeat(20_000)}`,
    `HTTP/1.1 200 OK\r\n${'x: 1\r\n'.repeat(3000)}\r\n`,
    `HTTP/1.1 200 OK\r\n${'x:1\r\n'.repeat(600)}\r\n`,
    `HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5;${'a'.repeat(5000)}`,
  ])('that can be read in no way, or in two, is refused: %j', (text) => {
    expect(() => read([Buffer.from(text, 'latin1')])).toThrow(MessageError);
    expect(() => read(cut(text, [7, 19, 23, 40]))).toThrow(MessageError);
  });

  test.each([
    '',
    'HTTP/1.1 200 OK\r\n',
    'HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhell',
    'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n',
  ])('whose connection ends in its middle is broken: %j', (text) => {
    expect(() => read([Buffer.from(text)], true)).toThrow('other side closed');
  });

  test('of noise is either refused or told, and never loops', () => {
    fc.assert(
      fc.property(body, places, (text, where) => {
        const start = 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n';
        try {
          read(cut(start + text, where), true);
        } catch (error) {
          if (!(error instanceof MessageError)) expect((error as Error).message).toBe('other side closed');
        }
      }),
    );
  });
});
