import { describe, expect, test } from 'vitest';
import { wrongEncoding } from '../../src/core/text-encoding.ts';

const read = (bytes: Buffer): string | undefined => wrongEncoding(bytes.toString('utf8'));
const utf16 = Buffer.from('\ufeff{ "mcpServers": {} }', 'utf16le');

describe('a file that is no UTF-8 text', () => {
  test('is told as UTF-16, in either order, with a mark and without', () => {
    for (const bytes of [utf16, utf16.subarray(2)]) {
      expect(read(bytes)).toContain('it is UTF-16: save it as UTF-8');
      expect(read(Buffer.from(bytes).swap16())).toContain('it is UTF-16');
    }
    expect(read(Buffer.from('\ufeffÄÖ=1\n', 'utf16le'))).toContain('it is UTF-16');
  });

  test('is told as an archive, as compressed, or as no text at all', () => {
    expect(read(Buffer.from('PK\u0003\u0004abc'))).toContain('zip');
    expect(read(Buffer.from([0x1f, 0x8b, 8, 0, 0]))).toContain('compressed');
    expect(read(Buffer.from('{"a": "\0"}'))).toContain('no text');
  });

  test('is nothing of that where it is UTF-8, also with a mark or with letters from elsewhere', () => {
    for (const text of ['', '{}', '\ufeff{}', 'ключ: значение', '{"a": "\ufffd"}'])
      expect(wrongEncoding(text)).toBeUndefined();
  });
});
