import { describe, expect, test } from 'vitest';
import { searchTerms, splitWords, wholeName } from '../../src/search/split-words.ts';

describe('splitting words', () => {
  test.each([
    ['create_issue', ['create', 'issue']],
    ['getAllSpecs', ['get', 'all', 'specs']],
    ['get-sum', ['get', 'sum']],
    ['resolve-library-id', ['resolve', 'library', 'id']],
    ['mcp__switchyard__github__create_issue', ['mcp', 'switchyard', 'github', 'create', 'issue']],
    ['HTTPRequest2', ['http', 'request', '2']],
    ['parseJSON', ['parse', 'json']],
    ['files.read/all', ['files', 'read', 'all']],
    ['ＦＵＬＬ width', ['full', 'width']],
    ['Größe ändern', ['größe', 'ändern']],
    ['看板列表', ['看板', '板列', '列表']],
  ])('%j', (text, words) => {
    expect(splitWords(text)).toEqual(words);
  });

  test('reads only so much of a text', () => {
    expect(splitWords('word '.repeat(100_000)).length).toBeLessThanOrEqual(400);
    expect(splitWords('x'.repeat(100_000))[0]?.length).toBeLessThan(100);
  });

  test('searches for stems, and for words that say nothing only where there are no others', () => {
    expect(searchTerms('please list all of the issues')).toEqual(['list', 'all', 'issu']);
    expect(searchTerms('what is this')).toHaveLength(3);
  });

  test('knows a name whatever its signs and case', () => {
    expect(wholeName('github__Create-Issue')).toBe(wholeName('GITHUB.create_issue'));
  });
});
