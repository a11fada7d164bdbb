/**
 * The commands of the pages, run as they stand there by somebody who has nothing but the package.
 *
 * The blocks of one page run in order, in one folder and with one home folder. A block with `file=NAME` is written
 * there first, and `text prints` says what the commands before it must print: line by line, `…` for any text.
 */
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { delimiter, dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, test } from 'vitest';
import { installPacked } from '../packed-package.ts';
import { type Block, markOf, type Page, pages } from './pages.ts';
import { temporaryFolder } from '../harness/temp-folder.ts';

const TIMEOUT = 240_000;
const run = promisify(execFile);
const runnable = pages.filter(({ blocks }) => blocks.some(isRun));

/** What a user already has: one client with one server. */
const CURSOR = '{ "mcpServers": { "thinking": { "command": "npx", "args": ["-y", "mcp-thinking"] } } }\n';

let folder: string;

beforeAll(async () => {
  folder = temporaryFolder('pages');
  await mkdir(join(folder, 'package'));
  await installPacked(join(folder, 'package'));
}, TIMEOUT);

describe('the commands of', () => {
  test.each(runnable.map((page) => [page.file, page] as const))(
    '%s do what the page says',
    async (_, page) => {
      const user = await newUser(page.file.replaceAll('/', '-'));
      let printed = '';
      for (const block of page.blocks) {
        const file = markOf(block, 'file');
        if (file !== undefined) await writeFile(join(user.work, file), block.text);
        else if (isRun(block)) printed = await user.types(block.text);
        else if (block.mark === 'prints') expectLines(printed, block.text);
      }
      expect(await readFile(user.cursorFile, 'utf8')).toBe(CURSOR);
    },
    TIMEOUT,
  );

  test('the README, the tutorial and the guides are among them', () => {
    const files = runnable.map(({ file }) => file);
    expect(files).toEqual(expect.arrayContaining(['README.md', 'docs/tutorial.md', 'docs/guides/http.md']));
    expect(files.length).toBeGreaterThan(6);
  });

  test('each page stand before a block that says what they print', () => {
    const silent = runnable.filter((page) => !page.blocks.some(({ mark }) => mark === 'prints'));
    expect(silent.map(({ file }) => file)).toEqual([]);
    expect(pages.flatMap(unheard)).toEqual([]);
  });
});

interface User {
  readonly work: string;
  readonly cursorFile: string;
  /** @returns what the commands print to stdout. */
  types(text: string): Promise<string>;
}

async function newUser(name: string): Promise<User> {
  const home = join(folder, name, 'home');
  const work = join(folder, name, 'work');
  const cursorFile = join(home, '.cursor/mcp.json');
  await mkdir(dirname(cursorFile), { recursive: true });
  await mkdir(work);
  await writeFile(cursorFile, CURSOR);
  // npx finds the official servers here, and fetches nothing.
  await symlink(resolve('node_modules'), join(work, 'node_modules'));
  const bin = join(folder, 'package/node_modules/.bin');
  const env = { HOME: home, PATH: [bin, dirname(process.execPath), '/usr/bin', '/bin'].join(delimiter) };
  const port = await freePort();
  return {
    work,
    cursorFile,
    async types(text) {
      // The port of the pages may be taken on this machine.
      const typed = `trap 'kill $(jobs -p) 2>/dev/null || true' EXIT\n${text.replaceAll(':8080', `:${port}`)}`;
      const bash = run('bash', ['--norc', '-euc', typed], { cwd: work, env, timeout: TIMEOUT });
      const { stdout } = await bash.catch(failed);
      return stdout;
    },
  };
}

/** What was printed to stdout says why, too. */
function failed(error: Error & { readonly stdout?: string }): never {
  throw new Error(`${error.message}\n${error.stdout ?? ''}`, { cause: error });
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

function isRun({ language, mark }: Block): boolean {
  return language === 'sh' && mark === 'run';
}

function expectLines(printed: string, expected: string): void {
  for (const line of expected.trimEnd().split('\n')) {
    const parts = line.split('…').map((part) => escaped(part.trim()).replaceAll(/\s+/g, String.raw`\s+`));
    expect(printed).toMatch(new RegExp(String.raw`^[ \t]*${parts.join('.*')}[ \t]*$`, 'm'));
  }
}

function escaped(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
}

/** Blocks of output that no run block stands before. */
function unheard({ file, blocks }: Page): string[] {
  return blocks
    .filter((block, index) => block.mark === 'prints' && !blocks.slice(0, index).some(isRun))
    .map(() => file);
}
