import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ToolIndex } from '../../src/search/tool-index.ts';
import { readWordTable, similarity, type WordTable } from '../../src/search/word-table.ts';

const file = fileURLToPath(new URL('../../data/word-table.bin', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'switchyard-table-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let table: WordTable;
beforeAll(async () => {
  table = await readWordTable(file);
});

const embed = (text: string): Float32Array =>
  table.embed(text.split(' ').map((word) => ({ word, weight: 1 })));
const near = (a: string, b: string): number => similarity(embed(a), embed(b));

describe('the word table', () => {
  test('is at most two megabytes', () => {
    expect(statSync(file).size).toBeLessThanOrEqual(2_000_000);
  });

  test('says in the file where it is from', () => {
    expect(readFileSync(file, 'utf8').slice(0, 300)).toContain('all-MiniLM-L6-v2, Apache-2.0');
  });

  test.each([
    ['delete', 'remove', 'weather'],
    ['picture', 'image', 'salary'],
    ['film', 'movie', 'container'],
    ['invoice', 'bill', 'banana'],
    ['create folder', 'make directory', 'song lyrics'],
  ])('%s is nearer to %s than to %s', (word, close, far) => {
    expect(near(word, close)).toBeGreaterThan(near(word, far) + 0.1);
  });

  test('has vectors of length one, and none for what it does not know', () => {
    const square = (vector: Float32Array): number => vector.reduce((sum, value) => sum + value * value, 0);
    expect(square(embed('repository'))).toBeCloseTo(1, 5);
    expect(square(embed('漢字'))).toBe(0);
    expect(square(table.embed([]))).toBe(0);
    expect(square(embed('x'.repeat(100_000)))).toBeCloseTo(1, 5);
  });

  test('of another format, cut off or missing is refused', async () => {
    const bytes = readFileSync(file);
    const other = join(folder, 'other.bin');
    writeFileSync(other, bytes.subarray(0, bytes.length - 1));
    await expect(readWordTable(other)).rejects.toThrow('cut off');
    writeFileSync(other, '{"format":1}\n[]\n');
    await expect(readWordTable(other)).rejects.toThrow('format 1, not 2');
    await expect(readWordTable(join(folder, 'missing.bin'))).rejects.toThrow('ENOENT');
  });
});

describe('the index with meaning', () => {
  test('finds tools that share no word with the query', () => {
    const index = new ToolIndex(table);
    const tools = [
      ['github__create_issue', 'Create a new issue in a repository'],
      ['tmdb__search_movies', 'Search for movies by title'],
      ['files__make_directory', 'Makes a directory'],
      ['podman__container_stop', 'Stops a running container'],
      ['mail__send', 'Sends an email'],
    ] as const;
    for (const [name, description] of tools)
      index.put({
        name,
        server: name.split('__', 1)[0] ?? '',
        title: undefined,
        description,
        parameters: [],
        keywords: [],
      });
    const first = (query: string): string | undefined => index.search(query)[0]?.name;
    expect(first('films')).toBe('tmdb__search_movies');
    expect(first('a folder')).toBe('files__make_directory');
    expect(first('halt docker')).toBe('podman__container_stop');
    expect(first('write a letter')).toBe('mail__send');
    expect(index.search('quantum chromodynamics lattice')).toEqual([]);
  });
});
