import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { CatalogEntry } from '../../src/catalog/build-catalog.ts';
import { build, entry, listed, nameFor } from './builders.ts';

const HASHED = /_[bcdfghjklmnpqrstvwxz2-9]{8}$/;

describe('the names of tools', () => {
  test('B01 two servers that export one name are both reachable, under their namespaces', () => {
    const catalog = build([entry('a', { tools: ['search'] }), entry('b', { tools: ['search'] })]);
    expect(listed(catalog, 'tools')).toEqual(['a__search', 'b__search']);
    expect(catalog.tools.get('b__search')?.targets).toEqual([{ server: 'b', originalName: 'search' }]);
  });

  test('B01 without prefixes the first server in config order keeps the name and the second gets a hash', () => {
    const catalog = build([entry('a', { tools: ['search'] }), entry('b', { tools: ['search'] })], {
      prefix: false,
    });
    const [first, second] = listed(catalog, 'tools');
    expect(first).toBe('search');
    expect(second).toMatch(/^search_/);
    expect(second).toMatch(HASHED);
    expect(catalog.tools.get(second as string)?.targets).toEqual([{ server: 'b', originalName: 'search' }]);
    expect(catalog.problems).toContainEqual({
      server: 'b',
      item: 'search',
      what: `would have the same name as another; offered as "${second as string}"`,
    });
  });

  test('B02 "b__c" of server "a" and "c" of server "a__b" are never mixed up', () => {
    const catalog = build([entry('a', { tools: ['b__c'] }), entry('a__b', { tools: ['c'] })]);
    const ofA = nameFor(catalog, 'a', 'b__c');
    const ofB = nameFor(catalog, 'a__b', 'c');
    expect(ofA).toBe('a__b__c');
    expect(ofB).toMatch(HASHED);
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
  });

  test('a name is the same in every release: clients remember it in their permissions', () => {
    expect(listed(build([entry('a', { tools: ['x.y'] })]), 'tools')).toEqual(['a__x_y_rz7vb8t6']);
  });

  test('a name that is too long is cut at its end and hashed', () => {
    const long = 'create_a_very_long_name_that_no_client_would_accept';
    const [name] = listed(build([entry('a', { tools: [long] })]), 'tools') as [string];
    expect(name).toHaveLength(46);
    expect(name.startsWith('a__create_a_very_long_name_that')).toBe(true);
    expect(name).toMatch(HASHED);
  });

  test('a plain name that spells out the hashed name of another does not take it over', () => {
    const hashed = nameFor(build([entry('b', { tools: ['x.y'] })], { prefix: false }), 'b', 'x.y') ?? '';
    const catalog = build([entry('a', { tools: [hashed] }), entry('b', { tools: ['x.y'] })], {
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
    expect(name).toMatch(/^gh__find_repos_/);
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
