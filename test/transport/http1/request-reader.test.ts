import { METHODS } from 'node:http';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MessageError } from '../../../src/transport/http1/message-error.ts';
import { RequestReader } from '../../../src/transport/http1/request-reader.ts';
import { read, readByNode } from './read-requests.ts';

function cut(text: string, places: readonly number[]): Buffer[] {
  const bytes = Buffer.from(text, 'latin1');
  const edges = [0, ...places.map((place) => place % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  return edges.slice(1).map((end, i) => bytes.subarray(edges[i], end));
}

const places = fc.array(fc.nat(), { maxLength: 8 });
const body = fc.string({
  unit: fc.integer({ min: 0, max: 255 }).map((c) => String.fromCharCode(c)),
  maxLength: 200,
});
const token = fc.stringMatching(/^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,12}$/);
const value = fc.stringMatching(/^[\t\x20-\x7e\x80-\xff]{0,20}$/);
const field = fc.tuple(token, value).map(([name, text]) => `X-${name}: ${text}`);

function chunksOf(text: string): string {
  const parts = text.match(/[^]{1,40}/g) ?? [];
  return `${parts.map((part) => `${part.length.toString(16)};a=b\r\n${part}\r\n`).join('')}0\r\nX-After: 1\r\n\r\n`;
}

/** Well-formed requests, as clients write them. */
const request = fc
  .record({
    method: fc.constantFrom('POST', 'GET', 'DELETE', 'OPTIONS', 'HEAD'),
    target: fc.stringMatching(/^(https?:\/\/localhost(:80)?)?\/[\w/?=&.%-]{0,20}$/),
    fields: fc.array(field, { maxLength: 4 }),
    body,
    chunked: fc.boolean(),
  })
  .map(({ method, target, fields, body: text, chunked }) => ({
    method,
    target,
    body: text,
    text: [
      `${method} ${target} HTTP/1.1`,
      'Host: localhost',
      ...fields,
      chunked ? 'Transfer-Encoding: chunked' : `Content-Length: ${text.length}`,
      '',
      chunked ? chunksOf(text) : text,
    ].join('\r\n'),
  }));

/** Pieces of what attackers write into heads. */
const odd = fc.constantFrom(
  ...['\r\n', '\n', '\r', ' ', '\t', ':', '\0', '\u00a0', '\u000b', 'Host: b', 'Content-Length: 3', '0'],
  ...['Content-Length: +3', 'Transfer-Encoding: chunked', 'Transfer-Encoding: x', ' HTTP/1.1', 'HTTP/1.0'],
  ...['\r\n\r\n', 'Connection: close', 'Content-Length : 1', '5\r\n', ';', ',', '\u00e4', 'GET / HTTP/1.1'],
);

describe('a request', () => {
  test('is read the same however its bytes are cut, with the next right behind it', () => {
    fc.assert(
      fc.property(fc.array(request, { minLength: 1, maxLength: 3 }), places, (all, where) => {
        const { requests, error } = read(cut(all.map(({ text }) => text).join(''), where));
        expect(error).toBeUndefined();
        expect(requests.map((one) => [one.method, one.target, one.body, one.whole])).toEqual(
          all.map((one) => [one.method, one.target, one.body, true]),
        );
      }),
    );
  });

  test(
    'that is taken is what node:http takes it for, whatever was done to it',
    { timeout: 60_000 },
    async () => {
      let taken = 0;
      let refused = 0;
      await fc.assert(
        fc.asyncProperty(
          fc.array(request, { minLength: 1, maxLength: 2 }),
          fc.array(fc.tuple(fc.nat(), fc.nat({ max: 6 }), odd), { maxLength: 2 }),
          async (all, changes) => {
            let text = all.map((one) => one.text).join('');
            for (const [at, length, what] of changes) {
              const place = at % (text.length + 1);
              text = text.slice(0, place) + what + text.slice(place + length);
            }
            const { requests, error } = read([Buffer.from(text, 'latin1')]);
            taken += requests.filter(({ whole }) => whole).length;
            if (error !== undefined) refused++;
            if (error !== undefined) expect(error).toBeInstanceOf(MessageError);
            const byNode = await readByNode(text);
            for (const [i, one] of requests.entries()) {
              // What it does not know by name it does not take; here it is refused later.
              if (!METHODS.includes(one.method)) break;
              if (one.whole) expect(byNode[i]).toEqual(one);
            }
          },
        ),
        { numRuns: Number(process.env['FUZZ_RUNS'] ?? 25) * 40 },
      );
      expect(taken).toBeGreaterThan(100);
      expect(refused).toBeGreaterThan(100);
    },
  );

  test('with the same head as the one before it has the same head, and no other has', () => {
    const heads: object[] = [];
    const reader: RequestReader = new RequestReader({
      head: (head) => void heads.push(head),
      data: () => {},
      end: () => reader.expect(),
    });
    const ask = (path: string) => reader.push(Buffer.from(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`));
    for (const path of ['/a', '/a', '/b', '/a']) ask(path);
    expect(heads[1]).toBe(heads[0]);
    expect(new Set(heads).size).toBe(3);
  });

  test('waits with what follows until it is asked for', () => {
    const told: string[] = [];
    const reader = new RequestReader({
      head: ({ target }) => void told.push(target),
      data: () => {},
      end: () => void told.push('end'),
    });
    const next = 'GET /b HTTP/1.1\r\nHost: a\r\n\r\n';
    reader.push(Buffer.from(`GET /a HTTP/1.1\r\nHost: a\r\n\r\n${next}`));
    reader.push(Buffer.from('GET /c'));
    expect([told, reader.heldBytes]).toEqual([['/a', 'end'], next.length + 6]);
    reader.expect();
    expect([told, reader.heldBytes]).toEqual([['/a', 'end', '/b', 'end'], 6]);
  });
});

describe('what is no request is an error', () => {
  const head = (...lines: string[]) => `${['POST /mcp HTTP/1.1', 'Host: a', ...lines].join('\r\n')}\r\n\r\n`;

  test.each([
    ['no version', 'GET /\r\n\r\n', 400],
    ['another version', 'GET / HTTP/2.0\r\nHost: a\r\n\r\n', 400],
    ['a blank in the target', 'GET /a b HTTP/1.1\r\nHost: a\r\n\r\n', 400],
    ['two blanks', 'GET  / HTTP/1.1\r\nHost: a\r\n\r\n', 400],
    ['a byte beyond ASCII in the target', 'GET /\u00e4 HTTP/1.1\r\nHost: a\r\n\r\n', 400],
    ['no host', 'GET / HTTP/1.1\r\n\r\n', 400],
    ['two hosts', head('Host: a'), 400],
    ['two lengths that agree', head('Content-Length: 1', 'Content-Length: 1'), 400],
    ['a length with a sign', head('Content-Length: +1'), 400],
    ['a length beyond all measure', head('Content-Length: 9999999999999999'), 400],
    ['a length beside chunks', head('Content-Length: 1', 'Transfer-Encoding: chunked'), 400],
    ['chunked twice', head('Transfer-Encoding: chunked', 'Transfer-Encoding: chunked'), 400],
    ['chunks of an older client', 'POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n', 400],
    ['a field without a name', head(': x'), 400],
    ['a field without a colon', head('x'), 400],
    ['a NUL in a value', head('x: \0'), 400],
    ['a CR in a value', head('x: a\rb'), 400],
    ['a vertical tab before a value', head('x: \u000bchunked'), 400],
    ['a chunk longer than its size', head('Transfer-Encoding: chunked') + '1\r\nab\r\n', 400],
    ['a chunk size with a sign', head('Transfer-Encoding: chunked') + '-1\r\n', 400],
    ['a chunk size that ends without CR', head('Transfer-Encoding: chunked') + '1\nab', 400],
    ['a chunk size with a long extension', head('Transfer-Encoding: chunked') + `1;${'x'.repeat(5000)}`, 413],
    ['trailers without end', head('Transfer-Encoding: chunked') + `0\r\n${'x: y\r\n'.repeat(3000)}`, 413],
    ['257 fields', head(...Array.from({ length: 256 }, (_, i) => `x${i}: 1`)), 431],
    ['17 KB of fields', head(`x: ${'y'.repeat(17_000)}`), 431],
    ['17 KB without an end', `GET /${'y'.repeat(17_000)}`, 431],
  ])('%s', (_, text, status) => {
    const { requests, error } = read([Buffer.from(text, 'latin1')]);
    expect(error).toBeInstanceOf(MessageError);
    expect((error as MessageError).status).toBe(status);
    expect(requests.filter(({ whole }) => whole)).toEqual([]);
    const dripped = read(
      cut(
        text,
        [...Array(40).keys()].map((i) => i * 7),
      ),
    );
    expect(dripped.error).toBeInstanceOf(MessageError);
  });
});
