import { describe, expect, test } from 'vitest';
import { firstSentence } from '../../src/search/first-sentence.ts';

describe('the first sentence', () => {
  test.each([
    ['Lists boards. Use it first.', 'Lists boards.'],
    ['Searches files, e.g. PDFs or images. Slow.', 'Searches files, e.g. PDFs or images.'],
    ['Compares with vs. Windows builds. More.', 'Compares with vs. Windows builds.'],
    ['Takes names, ids, etc. The rest is ignored.', 'Takes names, ids, etc.'],
    ['Reads version 1.2.3 of package.json now. More.', 'Reads version 1.2.3 of package.json now.'],
    ['Written by J. Doe for tests. More.', 'Written by J. Doe for tests.'],
    ['Does it work? Yes.', 'Does it work?'],
    ['No full stop at all', 'No full stop at all'],
    ['A heading\n\nThen a paragraph.', 'A heading'],
    ['Takes one of:\n- a\n- b', 'Takes one of:'],
    ['A line\nthat goes on. And more.', 'A line that goes on.'],
    ['获取看板列表。需要登录。', '获取看板列表。'],
    ['ボードを一覧します！次に使う。', 'ボードを一覧します！'],
    ['IMPORTANT: Deletes a board. Careful.', 'Deletes a board.'],
    ['**NOTE:** Reads a file. Fast.', 'Reads a file.'],
    ['⚠️ WARNING - Drops the table. Never mind.', 'Drops the table.'],
    ['# Search the Web\n\nFinds pages.', 'Search the Web'],
    ['<usecase>Fetches a page. Good.</usecase>', 'Fetches a page.'],
    ['...', ''],
    ['', ''],
  ])('of %j is %j', (text, expected) => {
    expect(firstSentence(text)).toBe(expected);
  });

  test('is cut at a word where a text has no end', () => {
    const sentence = firstSentence('word '.repeat(500));
    expect(sentence.length).toBeLessThanOrEqual(400);
    expect(sentence).toMatch(/word…$/);
  });

  test('takes little time on a long text without any end', () => {
    const from = process.cpuUsage();
    firstSentence('a.b '.repeat(100_000));
    firstSentence(`${'IMPORTANT: '.repeat(50_000)}x`);
    firstSentence('#'.repeat(100_000));
    expect(process.cpuUsage(from).user).toBeLessThan(500_000);
  });
});
