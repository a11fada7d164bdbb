import { describe, expect, test } from 'vitest';
import { type SearchedTool, ToolIndex } from '../../src/search/tool-index.ts';

function tool(name: string, more: Partial<SearchedTool> = {}): SearchedTool {
  return {
    name,
    server: name.split('__', 1)[0] ?? '',
    title: undefined,
    description: '',
    parameters: [],
    keywords: [],
    ...more,
  };
}

function indexOf(...tools: SearchedTool[]): ToolIndex {
  const index = new ToolIndex();
  for (const one of tools) index.put(one);
  return index;
}

const names = (index: ToolIndex, query: string): string[] => index.search(query).map(({ name }) => name);

const some = [
  tool('github__create_issue', { description: 'Create a new issue in a repository' }),
  tool('github__get_issue', { description: 'Get the contents of an issue' }),
  tool('postman__getAllSpecs', { description: 'Gets all API specifications in a workspace' }),
  tool('agent__get-sum', { description: 'Adds two numbers' }),
  tool('context7__resolve-library-id', { description: 'Finds a library' }),
];

describe('the index of tools', () => {
  test.each([
    ['create_issue', 'github__create_issue'],
    ['createIssue', 'github__create_issue'],
    ['mcp__switchyard__github__create_issue', 'github__create_issue'],
    ['mcp_switchyard_github_get_issue', 'github__get_issue'],
    ['getAllSpecs', 'postman__getAllSpecs'],
    ['get all specs', 'postman__getAllSpecs'],
    ['get-sum', 'agent__get-sum'],
    ['resolve library id', 'context7__resolve-library-id'],
    ['creating issues', 'github__create_issue'],
    ['context7', 'context7__resolve-library-id'],
  ])('%s finds %s first', (query, expected) => {
    expect(names(indexOf(...some), query)[0]).toBe(expected);
  });

  test('finds a pasted name in its own spelling, not one that looks the same', () => {
    const index = indexOf(...some, tool('git__hub_create_issue'), tool('github__createIssue'));
    expect(names(index, 'github__create_issue')[0]).toBe('github__create_issue');
    expect(names(index, 'mcp__sw__github__createIssue')[0]).toBe('github__createIssue');
  });

  test('gives the same order whatever the order of arrival', () => {
    const queries = ['issue', 'get', 'all of the things', 'library numbers'];
    const there = indexOf(...some);
    const back = indexOf(...some.toReversed());
    for (const query of queries) expect(names(back, query)).toEqual(names(there, query));
  });

  test('finds nothing where no word fits', () => {
    expect(names(indexOf(...some), 'zebra')).toEqual([]);
    expect(names(indexOf(...some), '')).toEqual([]);
    expect(names(indexOf(...some), '?!')).toEqual([]);
  });

  test.each([
    ['a word again and again', 'issue '.repeat(500)],
    ['all words of the query again and again', 'create issue repository '.repeat(100)],
    [
      'a thousand different words',
      Array.from({ length: 1000 }, (_, index) => `word${index} issue create`).join(' '),
    ],
  ])('a description wins no place by %s', (_how, description) => {
    const index = indexOf(...some, tool('evil__do', { description }));
    expect(names(index, 'create an issue')[0]).toBe('github__create_issue');
  });

  test('wins no place by arguments without number', () => {
    const parameters = Array.from({ length: 5000 }, () => 'create issue repository');
    expect(names(indexOf(...some, tool('evil__do', { parameters })), 'create issue')[0]).toBe(
      'github__create_issue',
    );
  });

  test('finds by the words of the operator', () => {
    const index = indexOf(...some, tool('internal__xq7', { keywords: ['payroll', 'salary'] }));
    expect(names(index, 'show salary')[0]).toBe('internal__xq7');
  });

  test('reads only what has changed', async () => {
    const index = new ToolIndex();
    await index.update(some);
    let read = 0;
    const watched = some.map((one) => ({
      ...one,
      get title() {
        read++;
        return undefined;
      },
    }));
    await index.update(watched);
    const whenSame = read;
    await index.update([
      ...watched.slice(1),
      tool('github__create_issue', { description: 'Opens a ticket' }),
    ]);
    expect(whenSame).toBeLessThanOrEqual(some.length);
    expect(names(index, 'ticket')).toEqual(['github__create_issue']);
    expect(names(index, 'new repository')).toEqual([]);
    await index.update(some.slice(0, 2));
    expect(index.size).toBe(2);
    expect(names(index, 'numbers')).toEqual([]);
  });

  test('ends at the newest of several lists that come at once', async () => {
    const index = new ToolIndex();
    const many = Array.from({ length: 300 }, (_, each) =>
      tool(`s__tool${each}`, { description: `does thing ${each}` }),
    );
    await Promise.all([index.update(many), index.update([]), index.update(some)]);
    expect(index.size).toBe(some.length);
    expect(names(index, 'thing')).toEqual([]);
  });

  test('lets others work while it is built', async () => {
    const index = new ToolIndex();
    let turns = 0;
    const ticking = setInterval(() => turns++, 0);
    const many = Array.from({ length: 2000 }, (_, each) =>
      tool(`s__tool${each}`, { description: `does thing ${each} `.repeat(20) }),
    );
    await index.update(many);
    clearInterval(ticking);
    expect(turns).toBeGreaterThan(5);
  });
});
