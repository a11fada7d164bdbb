import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { openSnapshots } from '../../src/catalog/snapshot.ts';
import { Json } from '../../src/json/json.ts';
import type { Listing } from '../../src/core/listing.ts';
import { temporaryFolder } from '../harness/temp-folder.ts';

const KEY = Buffer.alloc(32, 7);
const ADDRESS = JSON.stringify({ command: 'npx', env: [['TOKEN', 'hunter2secret']] });
const warnings: string[] = [];
const log = {
  debug() {},
  info() {},
  error() {},
  warn: (_: object, what: string) => void warnings.push(what),
};

afterEach(() => {
  warnings.length = 0;
});

const stateFolder = (): string => temporaryFolder('snapshot');

function listing(...names: string[]): Listing {
  return {
    protocolVersion: '2025-11-25',
    serverInfo: { name: 'stub', version: '1' },
    capabilities: { tools: {} },
    instructions: undefined,
    // Spacing, big numbers and the order of keys must survive to the letter.
    tools: names.map((name) => Json.fromText(`{"name": "${name}", "2":1, "1":9007199254740993}`)),
    prompts: [],
    resources: [],
    resourceTemplates: [],
    ttlMs: 0,
    cacheScope: 'private',
    problems: [],
  };
}

async function keep(
  folder: string,
  capabilities: Record<string, unknown>,
  what: Listing,
  key = KEY,
): Promise<void> {
  const store = openSnapshots(folder, key, log);
  store.for(ADDRESS).keep(capabilities, what);
  await store.close();
}

const filesIn = (folder: string): string[] => readdirSync(join(folder, 'snapshot'));

describe('a snapshot', () => {
  test('gives back what was kept, to the letter', async () => {
    const folder = stateFolder();
    await keep(folder, {}, listing('a', 'b'));
    const found = openSnapshots(folder, KEY, log).for(ADDRESS).recall({});
    expect(found?.tools.map(({ text }) => text)).toEqual(listing('a', 'b').tools.map(({ text }) => text));
    expect(found).toMatchObject({ protocolVersion: '2025-11-25', capabilities: { tools: {} } });
  });

  test('is kept apart by what the server was told that its client can do, whatever the order of keys', async () => {
    const folder = stateFolder();
    await keep(folder, { roots: {}, sampling: {} }, listing('for roots'));
    const memory = openSnapshots(folder, KEY, log).for(ADDRESS);
    expect(memory.recall({})).toBeUndefined();
    expect(memory.any).toBe(true);
    expect(memory.recall({ sampling: {}, roots: {} })?.tools).toHaveLength(1);
  });

  test('is kept apart by how the server is reached', async () => {
    const folder = stateFolder();
    await keep(folder, {}, listing('a'));
    const other = openSnapshots(folder, KEY, log).for(`${ADDRESS} `);
    expect(other.any).toBe(false);
    expect(other.recall({})).toBeUndefined();
  });

  test('is readable by its user alone and holds no secret of the config', async () => {
    const folder = stateFolder();
    await keep(folder, {}, listing('a'));
    const [name = ''] = filesIn(folder);
    const file = join(folder, 'snapshot', name);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(statSync(join(folder, 'snapshot')).mode & 0o777).toBe(0o700);
    expect(name + readFileSync(file, 'utf8')).not.toMatch(/hunter2|npx/);
    expect(filesIn(folder)).toHaveLength(1);
  });

  test.each([
    ['is cut short', (text: string) => text.slice(0, text.length / 2)],
    ['is empty', () => ''],
    ['is not JSON', () => 'no\nsnapshot\n'],
    ['was changed by hand', (text: string) => text.replace('stub', 'evil')],
    [
      'is of another version',
      (text: string) => text.replace('"version":1', '"version":99').replace(/"mac":"./, '"mac":"_'),
    ],
  ])('that %s does not count and is written anew', async (_, damage) => {
    const folder = stateFolder();
    await keep(folder, {}, listing('a'));
    const file = join(folder, 'snapshot', filesIn(folder)[0] ?? '');
    writeFileSync(file, damage(readFileSync(file, 'utf8')));
    expect(openSnapshots(folder, KEY, log).for(ADDRESS).recall({})).toBeUndefined();
    await keep(folder, {}, listing('a'));
    expect(openSnapshots(folder, KEY, log).for(ADDRESS).recall({})?.tools).toHaveLength(1);
    expect(warnings).toEqual([]);
  });

  test("of another user's key, or another server's file under this name, does not count", async () => {
    const folder = stateFolder();
    await keep(folder, {}, listing('a'));
    await keep(folder, { roots: {} }, listing('b'));
    expect(openSnapshots(folder, Buffer.alloc(32, 8), log).for(ADDRESS).recall({})).toBeUndefined();
    const [one = '', other = ''] = filesIn(folder).map((name) => join(folder, 'snapshot', name));
    writeFileSync(one, readFileSync(other));
    const memory = openSnapshots(folder, KEY, log).for(ADDRESS);
    expect([memory.recall({}), memory.recall({ roots: {} })].filter(Boolean)).toHaveLength(1);
  });

  test('is left alone where nothing changed, and replaced as a whole where something did', async () => {
    const folder = stateFolder();
    await keep(folder, {}, listing('a'));
    const file = join(folder, 'snapshot', filesIn(folder)[0] ?? '');
    const before = statSync(file).ino;
    await keep(folder, {}, listing('a'));
    expect(statSync(file).ino).toBe(before);
    await keep(folder, {}, listing('a', 'b'));
    expect(statSync(file).ino).not.toBe(before);
  });

  test('that cannot be written is said once and costs nothing else', async () => {
    const folder = stateFolder();
    writeFileSync(join(folder, 'snapshot'), 'a file where the folder should be');
    const store = openSnapshots(folder, KEY, log);
    store.for(ADDRESS).keep({}, listing('a'));
    await store.close();
    store.for(ADDRESS).keep({ roots: {} }, listing('a'));
    await store.close();
    expect(warnings).toEqual(['the snapshot of the servers cannot be written']);
  });

  test('of 20 proxies that write at once is one whole file of one of them', async () => {
    const folder = stateFolder();
    await Promise.all(
      Array.from({ length: 20 }, (_, i) => keep(folder, {}, listing(`t${i}`, 'x'.repeat(20_000)))),
    );
    expect(filesIn(folder)).toHaveLength(1);
    expect(openSnapshots(folder, KEY, log).for(ADDRESS).recall({})?.tools).toHaveLength(2);
  });
});

describe('a server that was waited for in vain', () => {
  const after = async (folder: string, ...waits: readonly boolean[]): Promise<boolean> => {
    for (const mayBeFetching of waits) {
      const store = openSnapshots(folder, KEY, log);
      store.for(ADDRESS).hangs(mayBeFetching);
      await store.close();
    }
    return openSnapshots(folder, KEY, log).for(ADDRESS).hung;
  };

  test('is known to hang from then on, and no other is', async () => {
    const folder = stateFolder();
    expect(await after(folder)).toBe(false);
    expect(await after(folder, false)).toBe(true);
    expect(openSnapshots(folder, KEY, log).for('another').hung).toBe(false);
  });

  test('has a second try where a package may have been fetched the first time', async () => {
    const folder = stateFolder();
    expect(await after(folder, true)).toBe(false);
    expect(await after(folder, true)).toBe(true);
  });

  test('is like any other again once it has told something, and its marks are no listings', async () => {
    const folder = stateFolder();
    await after(folder, true, true);
    expect(openSnapshots(folder, KEY, log).for(ADDRESS).any).toBe(false);
    expect(openSnapshots(folder, KEY, log).damaged()).toEqual([]);
    await keep(folder, {}, listing('a'));
    expect(openSnapshots(folder, KEY, log).for(ADDRESS).hung).toBe(false);
    expect(filesIn(folder).filter((name) => !name.endsWith('.json'))).toEqual([]);
  });
});
