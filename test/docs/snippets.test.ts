/** What the pages show beside commands: configs, workflows and code. */
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { AjvJsonSchemaValidator } from '@modelcontextprotocol/sdk/validation/ajv';
import { parse } from 'jsonc-parser';
import { describe, expect, test } from 'vitest';
import { loadConfig } from '../../src/config/load/load-config.ts';
import { type Block, markOf, pages } from './pages.ts';
import { temporaryFolder } from '../harness/temp-folder.ts';

const blocks = pages.flatMap(({ file, blocks: own }) => own.map((block) => ({ file, block })));
const DATA = new Set(['json', 'jsonc', 'yaml', 'toml']);

/** What a config may refer to. */
const env = {
  ALICE_TOKEN: 'a-long-random-text',
  TICKETS_SECRET: 'a-secret',
  BUILD_SECRET: 'a-secret',
};

const configs = blocks.filter(({ block }) => isConfig(block));

describe('the pages show', () => {
  test('blocks of known languages, each with a mark that the tests know', () => {
    const odd = blocks.filter(({ block }) => !isKnown(block));
    expect(odd.map(({ file, block }) => `${file}: ${block.language} ${block.mark}`)).toEqual([]);
  });

  test.each(configs.map(({ file, block }, index) => [`${file}, config ${index + 1}`, block] as const))(
    'a config that loads without a warning: %s',
    async (_, { language, text }) => {
      const folder = temporaryFolder('docs');
      const secret = join(folder, 'ci-token');
      await writeFile(secret, 'another-long-random-text');
      const file = join(folder, `switchyard.${language}`);
      await writeFile(file, text.replace('/run/secrets/ci-token', secret));
      const machine = { env, cwd: folder, homeDir: homedir(), platform: process.platform };
      const { warnings } = await loadConfig({ files: [file], ...machine });
      expect(warnings).toEqual([]);
    },
  );

  test('configs that editors accept by the JSON Schema', () => {
    const validate = new AjvJsonSchemaValidator().getValidator(
      JSON.parse(readFileSync('switchyard.schema.json', 'utf8')) as object,
    );
    const wrong = configs.map(({ file, block }) => [file, validate(parse(block.text)).errorMessage]);
    expect(wrong.filter(([, error]) => error !== undefined)).toEqual([]);
    expect(configs.length).toBeGreaterThan(9);
  });

  test('the files of the examples as they are', () => {
    const shown = blocks.filter(({ block }) => markOf(block, 'from') !== undefined);
    for (const { block } of shown) expect(block.text).toBe(readFileSync(markOf(block, 'from') ?? '', 'utf8'));
    expect(shown.length).toBeGreaterThan(0);
  });

  test('only imports that the library has', () => {
    const offered = readFileSync('src/index.ts', 'utf8');
    const names = blocks
      .filter(({ block }) => block.language === 'js')
      .flatMap(({ block }) => [...block.text.matchAll(/import \{([^}]+)\} from 'mcp-switchyard'/g)])
      .flatMap(([, list = '']) => list.split(',').map((name) => name.trim()));
    expect(names.filter((name) => !new RegExp(`\\b${name}\\b`).test(offered))).toEqual([]);
    expect(names.length).toBeGreaterThan(2);
  });
});

/** What is not said to be something else is a config. */
function isConfig(block: Block): boolean {
  if (!DATA.has(block.language)) return false;
  return block.mark === '' || (markOf(block, 'file') ?? '').startsWith('switchyard.');
}

function isKnown({ language, mark }: Block): boolean {
  if (language === 'sh') return mark === 'run' || /^\(not run: .+\)$/.test(mark);
  if (language === 'text') return mark === '' || mark === 'prints';
  if (language === 'js') return mark === '';
  return DATA.has(language) && /^$|^(file|from)=\S+$|^\(not a config: .+\)$/.test(mark);
}
