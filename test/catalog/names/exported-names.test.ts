import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { CatalogEntry } from '../../../src/catalog/build-catalog.ts';
import { build, entry, listed, nameFor } from '../builders.ts';

const HASHED = /_[bcdfghjklmnpqrstvwxz2-9]{8}$/;

describe('the names of tools', () => {
  test('B01 two servers that export one name are both reachable, under their namespaces', () => {
    const catalog = build([entry('a', { tools: ['search'] }), entry('b', { tools: ['search'] })]);
    expect(listed(catalog, 'tools')).toEqual(['a__search', 'b__search']);
    expect(catalog.tools.get('b__search')?.targets).toEqual([{ server: 'b', originalName: 'search' }]);
  });

  test('B01 without prefixes a name that two servers have is left to neither, in whatever order they come', () => {
    const entries = [entry('a', { tools: ['search', 'only'] }), entry('b', { tools: ['search'] })];
    const catalog = build(entries, { prefix: false });
    expect(catalog.tools.get('search')).toBeUndefined();
    for (const server of ['a', 'b']) {
      const name = nameFor(catalog, server, 'search') as string;
      expect(name).toMatch(/^search_/);
      expect(name).toMatch(HASHED);
      expect(catalog.problems).toContainEqual({
        server,
        item: 'search',
        what: `would have the same name as another; offered as "${name}"`,
      });
      expect(nameFor(build(entries.toReversed(), { prefix: false }), server, 'search')).toBe(name);
    }
    expect(nameFor(catalog, 'a', 'only')).toBe('only');
  });

  test('B02 "b__c" of server "a" and "c" of server "a__b" are never mixed up', () => {
    const catalog = build([entry('a', { tools: ['b__c'] }), entry('a__b', { tools: ['c'] })]);
    const ofA = nameFor(catalog, 'a', 'b__c');
    const ofB = nameFor(catalog, 'a__b', 'c');
    expect(ofA).toMatch(HASHED);
    expect(ofB).toMatch(HASHED);
    expect(ofA).not.toBe(ofB);
  });

  test('B03 a downstream cannot take the name of a meta-tool', () => {
    const options = { prefix: false, reserved: new Set(['run_workflow']) };
    const catalog = build([entry('a', { tools: ['run_workflow', 'workflow__deploy', 'fine'] })], options);
    const [first, second, third] = listed(catalog, 'tools');
    expect(first).toMatch(/^run_workflow_/);
    expect(first).toMatch(HASHED);
    expect(second).toMatch(/^workflow_deploy_/);
    expect(third).toBe('fine');
    expect(catalog.problems.map(({ item }) => item)).toEqual(['run_workflow', 'workflow__deploy']);
  });

  test('B03 a namespace that makes a reserved name gets no further', () => {
    const catalog = build([entry('workflow', { tools: ['deploy'] })]);
    expect(listed(catalog, 'tools')[0]).toMatch(/^workflow_deploy_/);
  });

  test('other characters become "_", and two names that differ in them only stay two', () => {
    const catalog = build([entry('a', { tools: ['x.y', 'x/y', 'x_y'] })]);
    const names = listed(catalog, 'tools') as string[];
    expect(names[2]).toBe('a__x_y');
    expect(names[0]).toMatch(/^a__x_y_/);
    expect(names[1]).toMatch(/^a__x_y_/);
    expect(new Set(names).size).toBe(3);
    const reversed = build([entry('a', { tools: ['x_y', 'x/y', 'x.y'] })]);
    for (const own of ['x.y', 'x/y', 'x_y'])
      expect(nameFor(reversed, 'a', own)).toBe(nameFor(catalog, 'a', own));
  });

  test('a changed name has a hash only where somebody else would have it too', () => {
    const tools = ['dotted.name/with signs', 'x.y', 'x/y', 'files:read'];
    expect(listed(build([entry('my.server v2', { namespace: 'my_server_v2', tools })]), 'tools')).toEqual([
      'my_server_v2__dotted_name_with_signs',
      expect.stringMatching(/^my_server_v2__x_y_/),
      expect.stringMatching(/^my_server_v2__x_y_/),
      'my_server_v2__files_read',
    ]);
  });

  test('names in another script keep their hash: of their words nothing is left', () => {
    const names = (...tools: string[]): readonly unknown[] => listed(build([entry('a', { tools })]), 'tools');
    const [name] = names('検索');
    expect(name).toMatch(HASHED);
    expect(names('作成', '検索')[1]).toBe(name);
  });

  test('a name is the same in every release: clients remember it in their permissions', () => {
    const tools = ['x.y', 'x_y', 'create_issue', '検索', 'a_tool_whose_name_is_as_long_as_a_sentence_can_be'];
    expect(listed(build([entry('a', { tools })]), 'tools')).toEqual([
      'a__x_y_rz7vb8t6',
      'a__x_y',
      'a__create_issue',
      'a_____vczvwlph',
      'a__a_tool_whose_name_is_as_long_as_a__d4fph4zq',
    ]);
  });

  test('a name that is too long is cut at its end and hashed', () => {
    const long = 'create_a_very_long_name_that_no_client_would_accept';
    const [name] = listed(build([entry('a', { tools: [long] })]), 'tools') as [string];
    expect(name).toHaveLength(46);
    expect(name.startsWith('a__create_a_very_long_name_that')).toBe(true);
    expect(name).toMatch(HASHED);
  });

  test('a plain name that spells out the hashed name of another does not take it over', () => {
    const tools = ['x.y', 'x_y'];
    const hashed = nameFor(build([entry('b', { tools })], { prefix: false }), 'b', 'x.y') ?? '';
    expect(hashed).toMatch(HASHED);
    const catalog = build([entry('a', { tools: [hashed] }), entry('b', { tools })], {
      prefix: false,
    });
    expect(catalog.tools.get(hashed)?.targets).toEqual([{ server: 'b', originalName: 'x.y' }]);
    expect(nameFor(catalog, 'a', hashed)).not.toBe(hashed);
  });

  test('prompts are named like tools, and apart from them', () => {
    const prompts = entry('a', { tools: ['x'] }).listing.tools;
    const catalog = build([entry('a', { tools: ['x'], prompts })]);
    expect(listed(catalog, 'prompts')).toEqual(['a__x']);
    expect(catalog.prompts.get('a__x')?.targets).toEqual([{ server: 'a', originalName: 'x' }]);
  });
});

describe('renaming', () => {
  test('gives the new name behind the namespace and still calls the old one', () => {
    const rules = { rename: new Map([['search_repositories', 'find repos']]) };
    const catalog = build([entry('gh', { tools: ['search_repositories'], rules })]);
    const [name] = listed(catalog, 'tools') as [string];
    expect(name).toBe('gh__find_repos');
    expect(catalog.tools.get(name)?.targets).toEqual([{ server: 'gh', originalName: 'search_repositories' }]);
  });

  test("the operator's name wins over a tool that has it by nature, whichever is listed first", () => {
    const rules = { rename: new Map([['a', 'b']]) };
    for (const tools of [['a', 'b'], ['b', 'a'], ['b']]) {
      const catalog = build([entry('s', { tools, rules })]);
      if (tools.includes('a')) expect(nameFor(catalog, 's', 'a')).toBe('s__b');
      expect(nameFor(catalog, 's', 'b')).toMatch(/^s__b_/);
    }
  });

  test('a name that was given to two tools is nobody’s, in whatever order it was given', () => {
    const renames: [string, string][] = [
      ['a', 'c'],
      ['b', 'c'],
    ];
    const names = [renames, renames.toReversed()].map((rename) => {
      const catalog = build([entry('s', { tools: ['a', 'b'], rules: { rename: new Map(rename) } })]);
      expect(catalog.tools.get('s__c')).toBeUndefined();
      return ['a', 'b'].map((own) => nameFor(catalog, 's', own));
    });
    expect(names[0]).toEqual(names[1]);
  });

  test('two tools can swap their names', () => {
    const rules = {
      rename: new Map([
        ['a', 'b'],
        ['b', 'a'],
      ]),
    };
    const catalog = build([entry('s', { tools: ['a', 'b'], rules })]);
    expect(nameFor(catalog, 's', 'a')).toBe('s__b');
    expect(nameFor(catalog, 's', 'b')).toBe('s__a');
  });
});

describe('choosing tools', () => {
  test("offers what is included and not excluded, by the server's own names", () => {
    const rules = {
      include: ['get_*', 'delete_?'],
      exclude: ['*_secret'],
      rename: new Map([['get_a', 'hidden']]),
    };
    const tools = ['get_a', 'get_secret', 'delete_1', 'delete_22', 'other'];
    expect(listed(build([entry('s', { tools, rules })]), 'tools')).toEqual(['s__hidden', 's__delete_1']);
  });
});

describe('names as laws', () => {
  const namespace = fc.stringMatching(/^[A-Za-z0-9-](?:_?[A-Za-z0-9-]){0,11}$/);
  const toolName = fc.oneof(
    fc.string({ minLength: 1, maxLength: 60, unit: fc.constantFrom(...'ab_.-/ é2b日'.split('')) }),
    fc.constantFrom(
      'search',
      'run_workflow',
      '__proto__',
      'constructor',
      'x.y',
      'x_y',
      '_',
      '__',
      'workflow__x',
    ),
  );
  const servers: fc.Arbitrary<CatalogEntry[]> = fc
    .uniqueArray(fc.tuple(namespace, fc.uniqueArray(toolName, { maxLength: 8 })), {
      maxLength: 6,
      selector: ([name]) => name,
    })
    .map((all) => all.map(([name, tools]) => entry(name, { tools })));
  const options = fc.record({
    prefix: fc.boolean(),
    maxNameLength: fc.integer({ min: 24, max: 64 }),
    reserved: fc.constantFrom(new Set<string>(), new Set(['run_workflow', 'search'])),
  });

  test('every tool is offered once, under a name of its own that fits every client and leads back to it', () => {
    fc.assert(
      fc.property(servers, options, (entries, chosen) => {
        const catalog = build(entries, chosen);
        const names = listed(catalog, 'tools') as string[];
        const all = entries.flatMap(({ server, listing }) =>
          listing.tools.map(({ object }) => ({ server, originalName: object?.['name'] })),
        );
        expect(new Set(names).size).toBe(all.length);
        expect(names.map((name) => catalog.tools.get(name)?.targets[0])).toEqual(all);
        for (const name of names) {
          expect(name).toMatch(/^[A-Za-z0-9_-]+$/);
          expect(name.length).toBeLessThanOrEqual(chosen.maxNameLength);
          expect(chosen.reserved.has(name) || name.startsWith('workflow__')).toBe(false);
        }
      }),
    );
  });

  test('a name that fits as it stands is kept, whatever else its server lists', () => {
    fc.assert(
      fc.property(servers, (entries) => {
        for (const [name, { targets }] of build(entries).tools) {
          const [target] = targets;
          const full = `${target?.server}__${target?.originalName}`;
          if (/^[A-Za-z0-9_-]{1,46}$/.test(full) && !HASHED.test(full) && !full.startsWith('workflow__'))
            expect(name).toBe(full);
        }
      }),
    );
  });

  test('no name depends on an order, of servers or of what they list, with prefixes or without', () => {
    fc.assert(
      fc.property(
        servers.chain((entries) =>
          fc.tuple(fc.constant(entries), fc.shuffledSubarray(entries, { minLength: entries.length })),
        ),
        fc.boolean(),
        ([entries, shuffled], prefix) => {
          const mirrored = shuffled.map((one) => ({
            ...one,
            listing: { ...one.listing, tools: one.listing.tools.toReversed() },
          }));
          const targetsOf = (all: readonly CatalogEntry[]): object =>
            Object.fromEntries(
              [...build(all, { prefix }).tools].map(([name, { targets }]) => [name, targets]),
            );
          expect(targetsOf(mirrored)).toEqual(targetsOf(entries));
        },
      ),
    );
  });

  test('a name passes to another tool only where that is its own', () => {
    fc.assert(
      fc.property(
        servers.chain((entries) => fc.tuple(fc.constant(entries), fc.subarray(entries))),
        fc.boolean(),
        ([entries, some], prefix) => {
          const all = build(entries, { prefix }).tools;
          for (const [name, { targets }] of build(some, { prefix }).tools) {
            const [now] = all.get(name)?.targets ?? targets;
            const own = prefix ? `${now?.server}__${now?.originalName}` : now?.originalName;
            if (own !== name) expect([now]).toEqual(targets);
          }
        },
      ),
    );
  });

  test('with prefixes a name depends neither on who else is listed nor on any order', () => {
    fc.assert(
      fc.property(
        servers.chain((entries) => fc.tuple(fc.constant(entries), fc.shuffledSubarray(entries))),
        ([entries, some]) => {
          const catalog = build(entries);
          const mirrored = some.map((one) => ({
            ...one,
            listing: { ...one.listing, tools: one.listing.tools.toReversed() },
          }));
          for (const [name, { targets }] of build(mirrored).tools)
            expect(catalog.tools.get(name)?.targets).toEqual(targets);
        },
      ),
    );
  });

  test('without prefixes a hashed name never passes to another tool when servers come and go', () => {
    fc.assert(
      fc.property(
        servers.chain((entries) => fc.tuple(fc.constant(entries), fc.subarray(entries))),
        ([entries, some]) => {
          const catalog = build(entries, { prefix: false });
          for (const [name, { targets }] of build(some, { prefix: false }).tools)
            if (HASHED.test(name)) expect(catalog.tools.get(name)?.targets ?? targets).toEqual(targets);
        },
      ),
    );
  });
});
