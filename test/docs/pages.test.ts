/** The pages as a whole: links, the index, and what they must name. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { CLIENT_IDS } from '../../src/config/dialects/client-ids.ts';
import { type Page, pageAt, pages } from './pages.ts';

interface Link {
  readonly from: Page;
  /** From the root of the repository. */
  readonly to: string;
  readonly anchor: string | undefined;
}

const links = pages.flatMap(linksOf);

describe('the pages', () => {
  test('link only to files that are there', () => {
    const broken = links.filter(({ to }) => !existsSync(to));
    expect(broken.map(({ from, to }) => `${from.file} → ${to}`)).toEqual([]);
    expect(links.length).toBeGreaterThan(200);
  });

  test('link only to headings that are there', () => {
    const broken = links.filter(
      ({ to, anchor }) => anchor !== undefined && !anchorsOf(readFileSync(to, 'utf8')).includes(anchor),
    );
    expect(broken.map(({ from, to, anchor }) => `${from.file} → ${to}#${anchor}`)).toEqual([]);
  });

  test('of docs/ are all linked from its index, decisions from theirs', () => {
    const indexes = ['docs/README.md', 'docs/decisions/README.md'];
    const listed = links.filter(({ from }) => indexes.includes(from.file)).map(({ to }) => to);
    const missing = pages.filter(({ file }) => file.startsWith('docs/') && !listed.includes(file));
    expect(missing.map(({ file }) => file)).toEqual(['docs/README.md']);
  });

  test('name only scripts that are there', () => {
    const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: object };
    const named = pages.flatMap(({ text }) =>
      [...text.matchAll(/npm run (?:--\w+ )?([\w:-]+)/g)].map(([, script = '']) => script),
    );
    expect(named.filter((script) => !Object.hasOwn(scripts, script))).toEqual([]);
    expect(named.length).toBeGreaterThan(10);
  });

  test('name every client that can be installed into', () => {
    const { text } = pageAt('docs/guides/clients.md');
    expect(CLIENT_IDS.filter((client) => !text.includes(`| \`${client}\` `))).toEqual([]);
  });
});

describe('the README', () => {
  const { text } = pageAt('README.md');
  const lines = text.trimEnd().split('\n');

  test('is read in a few minutes', () => {
    expect(lines.length).toBeLessThanOrEqual(150);
  });

  test('has no table that is wider than a screen', () => {
    expect(lines.filter((line) => line.startsWith('|') && line.length > 120)).toEqual([]);
  });
});

describe('the architecture page', () => {
  test('has a glossary of at most twelve words', () => {
    const [, words = ''] = /^## The words\n([\s\S]*?)^## /m.exec(pageAt('docs/architecture.md').text) ?? [];
    const rows = words.split('\n').filter((line) => /^\| (?!Word|-)/.test(line));
    expect(rows.length).toBeGreaterThan(5);
    expect(rows.length).toBeLessThanOrEqual(12);
  });

  test('names only files and folders that are there', () => {
    const { text } = pageAt('docs/architecture.md');
    const named = [...text.matchAll(/`((?:src|test)\/[\w./-]+)`/g)].map(([, path = '']) => path);
    expect(named.filter((path) => !existsSync(path))).toEqual([]);
    expect(named.length).toBeGreaterThan(10);
  });
});

function linksOf(from: Page): Link[] {
  const prose = from.text.replaceAll(/^```[\s\S]*?^```$/gm, '').replaceAll(/`[^`\n]*`/g, '');
  return [...prose.matchAll(/\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)/g)].map(
    ([, target = '', anchor]) => ({
      from,
      to: target === '' ? from.file : join(dirname(from.file), target),
      anchor,
    }),
  );
}

/** The anchors that the forge makes of a page's headings. */
function anchorsOf(text: string): string[] {
  const headings = [...text.replaceAll(/^```[\s\S]*?^```$/gm, '').matchAll(/^#+ (.+)$/gm)];
  return headings.map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}
