import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { loadConfig } from '../src/config/load-config.ts';

const readme = readFileSync('README.md', 'utf8');

describe('the README', () => {
  test('names only files that are there', () => {
    const links = [...readme.matchAll(/\]\((?!https?:|#)([^)]+)\)/g)].map(([, target = '']) => target);
    expect(links.filter((target) => !existsSync(target))).toEqual([]);
    expect(links.length).toBeGreaterThan(20);
  });

  test('names only scripts that are there', () => {
    const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: object };
    const named = [...readme.matchAll(/npm run ([\w:-]+)/g)].map(([, script = '']) => script);
    expect(named.filter((script) => !Object.hasOwn(scripts, script))).toEqual([]);
  });

  test('shows the workflow of the example as it is', () => {
    const [, shown] = /```yaml\n([\s\S]*?)```/.exec(readme) ?? [];
    expect(shown).toBe(readFileSync('examples/workflow-rollback/new_project.yaml', 'utf8'));
  });

  test.each([
    ['its config', /```jsonc\n([\s\S]*?)```/.exec(readme)?.[1] ?? ''],
    ['the quickstart', readFileSync('examples/quickstart/switchyard.json', 'utf8')],
  ])('shows what works: %s', async (_, text) => {
    const folder = await mkdtemp(join(tmpdir(), 'switchyard-readme-'));
    try {
      const file = join(folder, 'switchyard.json');
      await writeFile(file, text);
      const machine = { env: {}, cwd: folder, homeDir: homedir(), platform: process.platform };
      const { servers, warnings } = await loadConfig({ files: [file], ...machine });
      expect(servers.size).toBeGreaterThan(1);
      expect(warnings).toEqual([]);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});
