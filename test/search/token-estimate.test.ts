import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { countTokens } from 'gpt-tokenizer/encoding/o200k_base';
import { describe, expect, test } from 'vitest';
import { definitionText, definitionTokens, estimateTokens } from '../../src/search/token-estimate.ts';

const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
const schema = readFileSync(new URL('../../switchyard.schema.json', import.meta.url), 'utf8');
const hashes = Array.from({ length: 50 }, (_, each) =>
  createHash('sha512').update(String(each)).digest('base64'),
);

describe('the estimate of tokens', () => {
  test.each([
    ['prose and code', readme],
    ['a schema', JSON.stringify(JSON.parse(schema))],
    ['keys', hashes.join('\n')],
    [
      'a list of records',
      JSON.stringify(hashes.map((hash, id) => ({ id, hash, name: `Number ${id}`, open: id % 2 === 0 }))),
    ],
  ])('is near what o200k counts: %s', (_what, text) => {
    expect(Math.abs(estimateTokens(text) / countTokens(text) - 1)).toBeLessThan(0.2);
  });

  test('of a tool counts its name, description and input schema, nothing else', () => {
    const tool = {
      name: 'a',
      description: 'Does it',
      inputSchema: { type: 'object' },
      annotations: { title: 'x'.repeat(900) },
    };
    expect(definitionTokens(tool)).toBe(estimateTokens(definitionText(tool)));
    expect(definitionTokens(tool)).toBeLessThan(30);
  });

  test('takes little time on a megabyte without a space', () => {
    const from = process.cpuUsage();
    estimateTokens('a'.repeat(1_000_000));
    estimateTokens('a1'.repeat(500_000));
    expect(process.cpuUsage(from).user).toBeLessThan(1_000_000);
  });
});
