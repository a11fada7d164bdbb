/** The README's commands as they stand there, for somebody who has nothing but the package. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { installPacked } from './packed-package.ts';

const TIMEOUT = 120_000;
const readme = readFileSync('README.md', 'utf8');
const blocks = [...readme.matchAll(/^```sh( run)?\n([\s\S]*?)^```/gm)].map(([, runs, text = '']) => ({
  runs: runs !== undefined,
  text,
}));
/** What builds, tests or serves the checkout, or wants a Docker engine: shown elsewhere or not at all. */
const elsewhere = [/^npm /, /^docker /];

let folder: string;
let home: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'switchyard-steps-'));
  home = join(folder, 'home');
  for (const name of ['package', 'home', 'work']) await mkdir(join(folder, name));
  await installPacked(join(folder, 'package'));
  // npx finds the official servers here, and fetches nothing.
  await symlink(resolve('node_modules'), join(folder, 'work/node_modules'));
}, TIMEOUT);

afterAll(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));

describe("the README's commands, run as they stand with an empty home folder", () => {
  test('are all either run here, or of the checkout itself', () => {
    const others = blocks.filter(({ runs }) => !runs).flatMap(({ text }) => text.trimEnd().split('\n'));
    expect(others.filter((line) => !elsewhere.some((known) => known.test(line)))).toEqual([]);
    expect(blocks.filter(({ runs }) => runs)).toHaveLength(2);
  });

  test(
    'lead from nothing to a tool that answered',
    async () => {
      const said = await steps(0);
      expect(said).toMatch(/^memory__read_graph .*memory/m);
      expect(said).toContain('Echo: hello');
      expect(said).toMatch(/Healthy: 2 of 2/);
    },
    TIMEOUT,
  );

  test(
    'put it into a client and take it out again',
    async () => {
      const file = join(home, '.cursor/mcp.json');
      const before =
        '{ "mcpServers": { "thinking": { "command": "npx", "args": ["-y", "mcp-thinking"] } } }\n';
      await mkdir(dirname(file));
      await writeFile(file, before);
      const said = await steps(1);
      expect(said).toContain('Cursor starts Switchyard now');
      expect(await readFile(file, 'utf8')).toBe(before);
      const own = await readFile(join(home, '.config/switchyard/switchyard.json'), 'utf8');
      expect(own).toContain('mcp-thinking');
    },
    TIMEOUT,
  );

  test('leave nothing where they were typed', async () => {
    expect(await readdir(join(folder, 'work'))).toEqual(['node_modules']);
  });
});

/** @returns what the commands of one block print. */
async function steps(index: number): Promise<string> {
  const { text = 'false' } = blocks.filter(({ runs }) => runs)[index] ?? {};
  const bin = join(folder, 'package/node_modules/.bin');
  const env = { HOME: home, PATH: [bin, dirname(process.execPath), '/usr/bin', '/bin'].join(delimiter) };
  const options = { cwd: join(folder, 'work'), env, timeout: TIMEOUT };
  const { stdout } = await promisify(execFile)('bash', ['-euc', text], options);
  return stdout;
}
