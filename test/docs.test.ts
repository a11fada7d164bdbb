import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { CLIENT_IDS } from '../src/config/dialects/client-ids.ts';

const pages = readdirSync('docs')
  .filter((file) => file.endsWith('.md'))
  .map((file) => join('docs', file));

describe('the pages under docs/', () => {
  test('link only to files that are there', () => {
    const broken = pages.flatMap((page) =>
      [...readFileSync(page, 'utf8').matchAll(/\]\((?!https?:|#)([^)#]+)/g)]
        .map(([, target = '']) => join(dirname(page), target))
        .filter((target) => !existsSync(target)),
    );
    expect(broken).toEqual([]);
  });

  test('say of every error code what it means and what to do', () => {
    const [, union = ''] = /type ErrorCode =([^;]+);/.exec(readFileSync('src/core/errors.ts', 'utf8')) ?? [];
    const codes = [...union.matchAll(/'(\w+)'/g)].map(([, code = '']) => code);
    const page = readFileSync('docs/troubleshooting.md', 'utf8');
    expect(codes.length).toBeGreaterThan(10);
    expect(
      codes.filter((code) => !new RegExp(`\\| \`${code}\` +\\| \\S.* \\| \\S.* \\|`).test(page)),
    ).toEqual([]);
  });

  test('name every client that can be installed into', () => {
    const page = readFileSync('docs/clients.md', 'utf8');
    expect(CLIENT_IDS.filter((client) => !page.includes(`| \`${client}\` `))).toEqual([]);
  });

  test('are all linked from the README', () => {
    const readme = readFileSync('README.md', 'utf8');
    expect(pages.filter((page) => !readme.includes(`](${page})`))).toEqual([]);
  });
});
