/** Numbers that a client writes as text: in a cursor, in a header field. */
import { describe, expect, test } from 'vitest';
import { RpcError } from '../../src/core/errors.ts';
import { Json } from '../../src/json/json.ts';
import { checkParams } from '../../src/server/header-check.ts';
import { listPage } from '../../src/server/lists.ts';
import { build, entry, tool } from '../catalog/builders.ts';

describe('a cursor', () => {
  const page = (cursor: string): Json =>
    listPage({
      kind: 'tools',
      catalog: build([entry('s', { tools: Array.from({ length: 20 }, (_, i) => `t${i}`) })]),
      metaTools: [],
      pageSize: 4,
      params: Json.of({ cursor }),
      legacy: false,
      head: '',
    });

  test('leads on where it is the one that was given', () => {
    const cursor = Buffer.from('at 16').toString('base64url');
    expect((page(cursor).value as { tools: unknown[] }).tools).toHaveLength(4);
  });

  test.each(['at 0x10', 'at 016', 'at 1.6e1', 'at 16 ', 'at  16', 'at -0', 'at '])('%j is none', (text) => {
    expect(() => page(Buffer.from(text).toString('base64url'))).toThrow(RpcError);
  });

  test('in another spelling of Base64 is none', () => {
    expect(() => page(`${Buffer.from('at 16').toString('base64url')}=`)).toThrow(RpcError);
  });
});

describe('a header field that repeats an integer', () => {
  const inputSchema = {
    type: 'object',
    properties: { n: { type: 'integer', 'x-mcp-header': 'N' } },
  };
  const catalog = build([entry('s', { tools: [tool('t', { inputSchema })] })]);
  const check = (text: string, n: number): void =>
    checkParams(Json.of({ name: 's__t', arguments: { n } }), () => text, catalog);

  test.each([
    ['16', 16],
    ['16.0', 16],
    ['-3', -3],
  ])('%j agrees with %d', (text, n) => expect(() => check(text, n)).not.toThrow());

  test.each([
    ['0x10', 16],
    ['1.6e1', 16],
    ['0b10', 2],
    ['', 0],
    ['17', 16],
  ])('%j does not agree with %d', (text, n) => expect(() => check(text, n)).toThrow('disagree'));
});
