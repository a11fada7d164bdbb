import { describe, expect, test } from 'vitest';
import { MessageError } from '../../../src/transport/http1/message-error.ts';
import { open, RawClient, withEachServer } from '../http-server/fixture.ts';
import { PROBES, type Probe } from './probes.ts';
import { read, readByNode, type ReadRequest } from './read-requests.ts';

const summary = ({ method, target, body }: ReadRequest): string => `${method} ${target} ${body}`;

describe('the reader', () => {
  test.each(PROBES)('has one answer to "$id", however it is cut', ({ bytes, expected }) => {
    const all = Buffer.from(bytes, 'latin1');
    for (const pieces of [[all], Array.from(all, (byte) => Buffer.from([byte]))]) {
      const { requests, error } = read(pieces);
      if (typeof expected === 'number') {
        expect(error).toBeInstanceOf(MessageError);
        expect(error).toMatchObject({ status: expected });
        expect(requests.every(({ whole }) => !whole)).toBe(true);
      } else {
        expect(error).toBeUndefined();
        const whole = requests.filter((request) => request.whole);
        expect(whole.map(summary)).toEqual(expected === 'waits' ? [] : expected);
      }
    }
  });

  const taken = PROBES.filter((probe): probe is Probe & { expected: readonly string[] } =>
    Array.isArray(probe.expected),
  );
  test.each(taken)(
    'takes "$id" for what node:http takes it for',
    async ({ bytes, expected, nodeIsStricter }) => {
      const requests = await readByNode(bytes);
      expect(requests.map(summary)).toEqual(nodeIsStricter ? [] : expected);
    },
  );
});

withEachServer((server) => {
  const probes = PROBES.filter(({ nodeIsLaxer }) => server === 'own' || !nodeIsLaxer);
  test.each(probes)('never acts on what is hidden in "$id"', async ({ bytes, expected }) => {
    let smuggled = 0;
    const { port } = await open({
      routes: new Map([
        ['/smuggled', () => ({ status: 200, type: 'text/plain', body: `${++smuggled}` })],
        ['/healthz', () => ({ status: 200, type: 'text/plain', body: 'ok' })],
      ]),
      timeouts: { headersMs: 400, bodyMs: 400, keepAliveMs: 200, lingerMs: 200 },
    });
    const client = await new RawClient(port).say(Buffer.from(bytes, 'latin1')).end();
    expect(smuggled).toBe(0);
    expect(client.statuses.length).toBeGreaterThan(0);
    if (typeof expected === 'number') expect(client.statuses[0]).toBeGreaterThanOrEqual(400);
  });
});
