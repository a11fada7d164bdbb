import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createLog, type Log } from '../../src/telemetry/log.ts';

let written: string[];

beforeEach(() => {
  written = [];
  vi.spyOn(process.stderr, 'write').mockImplementation((chunk) => {
    written.push(String(chunk));
    return true;
  });
});

afterEach(() => vi.restoreAllMocks());

const lines = (): unknown[] => written.map((line) => JSON.parse(line) as unknown);
const logAt = (level: string): Log => createLog({ level, secrets: ['s3cret'] });

test('a line tells level, time, facts and message', () => {
  logAt('info').warn({ server: 'a', ms: 3, left: undefined }, 'slow');
  expect(lines()).toEqual([
    { level: 'warn', time: expect.stringMatching(/^\d{4}-.*Z$/) as string, server: 'a', ms: 3, msg: 'slow' },
  ]);
  expect(written[0]).toMatch(/^\{"level":.*\}\n$/);
});

test.each([
  ['silent', []],
  ['error', ['error']],
  ['warn', ['warn', 'error']],
  ['info', ['info', 'warn', 'error']],
  ['debug', ['debug', 'info', 'warn', 'error']],
  ['trace', ['debug', 'info', 'warn', 'error']],
])('at level %s so much is said', (level, said) => {
  const log = logAt('silent');
  log.setLevel(level);
  for (const how of ['debug', 'info', 'warn', 'error'] as const) log[how]({}, how);
  expect(lines().map((line) => (line as { msg: string }).msg)).toEqual(said);
});

test('an error tells its type, message, stack and cause', () => {
  const error = new TypeError('wrong', { cause: new RangeError('far off') });
  logAt('info').error({ err: error }, 'failed');
  expect(lines()[0]).toMatchObject({
    err: {
      type: 'TypeError',
      message: 'wrong',
      stack: expect.stringContaining('log.test') as string,
      cause: { type: 'RangeError', message: 'far off' },
    },
  });
});

test('facts that cannot be written cost only themselves', () => {
  const round: Record<string, unknown> = {};
  round['self'] = round;
  logAt('info').info(round, 'goes on');
  expect(lines()[0]).toMatchObject({
    msg: 'goes on',
    unwritable: expect.stringContaining('circular') as string,
  });
});

test('no secret is written, wherever it stands', () => {
  const log = logAt('info');
  log.hide(['lat3r']);
  log.info({ url: 'http://x/?k=s3cret', err: new Error('lat3r') }, 's3cret');
  expect(written.join('')).not.toMatch(/s3cret|lat3r/);
});
