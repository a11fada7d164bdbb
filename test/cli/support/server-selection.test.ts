import { describe, expect, test } from 'vitest';

import { selectServers } from '../../../src/cli/support/server-selection.ts';
import { machine } from '../../config/machine.ts';

const text = JSON.stringify({
  mcpServers: {
    a: { command: 'a', tags: ['dev'] },
    b: { command: 'b', tags: ['dev', 'slow'] },
    c: { command: 'c' },
  },
});

async function served(part: { servers?: string[]; tags?: string[] }): Promise<string[]> {
  const { load, write } = machine();
  const config = selectServers(await load(write('switchyard.json', text)), {
    servers: [],
    tags: [],
    ...part,
  });
  return [...config.servers.values()].filter(({ disabled }) => !disabled).map(({ key }) => key);
}

describe('a part of the servers', () => {
  test('is all of them where nothing is said', async () => {
    expect(await served({})).toEqual(['a', 'b', 'c']);
  });

  test('is the named ones', async () => {
    expect(await served({ servers: ['c', 'a'] })).toEqual(['a', 'c']);
  });

  test('is those with one of the tags', async () => {
    expect(await served({ tags: ['dev'] })).toEqual(['a', 'b']);
  });

  test('leaves out those with a tag behind a minus', async () => {
    expect(await served({ tags: ['-slow'] })).toEqual(['a', 'c']);
    expect(await served({ tags: ['dev', '-slow'] })).toEqual(['a']);
  });

  test('cannot be a server that is not there', async () => {
    await expect(served({ servers: ['d'] })).rejects.toThrow('there is no server "d"; there are: a, b, c');
  });

  test('cannot be those with a tag that no server has; leaving out such a tag leaves out nothing', async () => {
    await expect(served({ tags: ['dev', 'nosuch'] })).rejects.toThrow(
      'no server has the tag "nosuch"; there are: dev, slow',
    );
    expect(await served({ tags: ['-nosuch'] })).toEqual(['a', 'b', 'c']);
  });
});
