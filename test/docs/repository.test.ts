/** The files for the forge: they run elsewhere, so here they are read. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';

interface Workflow {
  readonly permissions?: Readonly<Record<string, string>>;
  readonly jobs: Readonly<Record<string, Job>>;
}

interface Job {
  readonly 'timeout-minutes'?: number;
  readonly strategy?: { readonly matrix: Readonly<Record<string, readonly unknown[]>> };
  readonly steps: readonly { readonly run?: string; readonly uses?: string }[];
}

interface Form {
  readonly name: string;
  readonly body: readonly { readonly id?: string }[];
}

const { scripts, engines, repository, bugs, homepage } = JSON.parse(readFileSync('package.json', 'utf8')) as {
  readonly scripts: Readonly<Record<string, string>>;
  readonly engines: { readonly node: string };
  readonly repository: { readonly url: string };
  readonly bugs: string;
  readonly homepage: string;
};
const workflows = readdirSync('.github/workflows').map(
  (file) => [file, read(join('.github/workflows', file)) as Workflow] as const,
);

describe('the workflows of CI', () => {
  test('call only scripts that are there', () => {
    const named = workflows.flatMap(([, { jobs }]) =>
      Object.values(jobs)
        .flatMap(({ steps }) => steps)
        .flatMap(({ run = '' }) => [...run.matchAll(/npm (?:run )?(?!ci\b)([\w:-]+)/g)])
        .map(([, script = '']) => script),
    );
    expect(named.filter((script) => !Object.hasOwn(scripts, script))).toEqual([]);
    expect(named).toEqual(expect.arrayContaining(['check', 'test', 'bench', 'soak']));
  });

  test.each(workflows)('bound the time and the rights of %s', (_, { permissions, jobs }) => {
    expect(permissions).toEqual({ contents: 'read' });
    for (const job of Object.values(jobs)) expect(job['timeout-minutes']).toBeLessThanOrEqual(60);
  });

  test('run the tests on three systems, and from the oldest Node that is supported on', () => {
    const jobs = new Map(workflows).get('ci.yml')?.jobs;
    const { system = [], node = [] } = jobs?.['test']?.strategy?.matrix ?? {};
    expect(system).toEqual(['ubuntu-latest', 'macos-latest', 'windows-latest']);
    expect(node).toEqual([20, 22, 24]);
    expect(engines.node).toBe(`>=${String(node[0])}`);
  });
});

describe('the forms for issues', () => {
  test.each(['bug.yml', 'feature.yml'])('%s has a name, and fields with ids that differ', (file) => {
    const { name, body } = read(join('.github/ISSUE_TEMPLATE', file)) as Form;
    const ids = body.flatMap(({ id }) => (id === undefined ? [] : [id]));
    expect(name).not.toBe('');
    expect(ids.length).toBeGreaterThan(2);
    expect(new Set(ids).size).toBe(ids.length);
  });

  test('lead to the repository that package.json names', () => {
    const [, address = ''] = /^git\+(https:.*)\.git$/.exec(repository.url) ?? [];
    const { contact_links: links } = read('.github/ISSUE_TEMPLATE/config.yml') as {
      readonly contact_links: readonly { readonly url: string }[];
    };
    const urls = [bugs, homepage, ...links.map(({ url }) => url)];
    expect(urls.filter((url) => !url.startsWith(address))).toEqual([]);
    expect(address).not.toBe('');
  });
});

function read(file: string): unknown {
  return parse(readFileSync(file, 'utf8'));
}
