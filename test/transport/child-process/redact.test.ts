import { describe, expect, test } from 'vitest';
import { lastWords, redactor } from '../../../src/core/redaction/redact.ts';
import { Stderr } from '../../../src/transport/child-process/stderr.ts';

describe('what is shown of stderr', () => {
  test.each([
    ['Authorization: Bearer abc.def-123', 'Authorization: Bearer [redacted]'],
    ['key sk-proj-0123456789abcdef!', 'key [redacted]!'],
    ['ghp_0123456789abcdef and github_pat_0123456789', '[redacted] and [redacted]'],
    ['postgres://user:pa55@host/db', 'postgres://user:[redacted]@host/db'],
    ['\u001b[31mred\u001b[0m \u202eback', 'red back'],
    ['a plain line, port 8080', 'a plain line, port 8080'],
  ])('%s is shown as %s', (text, shown) => {
    expect(redactor([])(text)).toBe(shown);
  });

  test('has no given secret, nor a line of one, but short values stay', () => {
    const redact = redactor(['correct horse', 'correct', '-----BEGIN-----\nAAAABBBB', '1']);
    expect(redact('correct horse, correct, AAAABBBB, 1')).toBe('[redacted], [redacted], [redacted], 1');
  });

  test('has no given secret as it is spelt within JSON or a URL', () => {
    const secret = 'a "quoted"\\ one\ud800';
    const redact = redactor([secret]);
    expect(redact(`{"key":${JSON.stringify(secret)}}`)).toBe('{"key":"[redacted]"}');
    expect(redact(`?key=${encodeURIComponent('a "quoted"\\ one\ufffd')}&b`)).toBe('?key=[redacted]&b');
  });

  test('has no stack frame and no folder', () => {
    const text =
      'Error in file:///home/me/x/y.js:3\n    at f (/a/b.js)\nsee https://a.b/c/d or C:\\Users\\me\\x.js\n';
    expect(lastWords(text)).toBe('Error in …/y.js:3 | see https://a.b/c/d or …\\x.js');
  });

  test('takes bounded time whatever is written', () => {
    const redact = redactor([]);
    const since = performance.now();
    for (const unit of [
      'a.',
      'eyJaaaaaaaa-',
      'Bearer  ',
      'sk-',
      '/a',
      '\u001b[',
      '\u001b]x',
      'a://b:',
      'C:\\a b',
    ])
      lastWords(redact(unit.repeat((64 * 1024) / unit.length)));
    expect(performance.now() - since).toBeLessThan(1000);
  });
});

describe('stderr', () => {
  function stderr(now: () => number, onLine: (line: string, leftOut: number) => void): Stderr {
    return new Stderr({
      keepBytes: 20,
      linesPerSecond: 50,
      onLine,
      redact: redactor([]),
      clock: { now, after: () => () => {} },
    });
  }

  test('hands on fifty lines a second, and tells how many were left out', () => {
    let now = 0;
    const seen: [string, number][] = [];
    const err = stderr(
      () => now,
      (line, leftOut) => seen.push([line, leftOut]),
    );
    err.push(Buffer.from('x\n'.repeat(80)));
    expect(seen).toHaveLength(50);
    now = 1000;
    err.push(Buffer.from('next\n' + 'y\n'.repeat(60)));
    expect(seen[50]).toEqual(['next', 30]);
    err.end();
    expect(seen.at(-1)).toEqual(['', 11]);
  });

  test('hands on no line of a key, wherever it begins and even if lines of it are left out', () => {
    let now = 0;
    const seen: string[] = [];
    const err = stderr(
      () => now,
      (line) => seen.push(line),
    );
    const key = `-----BEGIN PRIVATE KEY-----\n${`${'Ab1+'.repeat(16)}\n`.repeat(60)}Q9w=\n-----END PRIVATE KEY-----\n`;
    err.push(Buffer.from(key.slice(0, 50 * 65)));
    now = 1000;
    err.push(Buffer.from(`${key.slice(50 * 65)}ready\n`));
    expect(seen.filter((line) => line !== '[redacted]')).toEqual(['ready']);
  });

  test('keeps the end, in whole lines', () => {
    const err = stderr(
      () => 0,
      () => {},
    );
    expect(err.tail()).toBe('');
    err.push(Buffer.from('first line\n'));
    expect(err.tail()).toBe('first line\n');
    for (const byte of 'second line\nthird line\n') err.push(Buffer.from(byte));
    expect(err.tail()).toBe('third line\n');
    err.push(Buffer.from('0123456789\n'.repeat(10)));
    expect(err.tail()).toBe('0123456789\n');
  });
});
