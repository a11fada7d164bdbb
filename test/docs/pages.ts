/** The pages for people: the README, what stands beside it, and docs/. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, sep } from 'node:path';

export interface Page {
  /** From the root of the repository, with slashes. */
  readonly file: string;
  readonly text: string;
  /** In order. */
  readonly blocks: readonly Block[];
}

/** A fenced block: what stands behind the fence is its language, and how the tests take it. */
export interface Block {
  readonly language: string;
  /** `run`, `prints`, `file=NAME`, `from=PATH`, a reason in parentheses, or nothing. */
  readonly mark: string;
  readonly text: string;
}

/** All pages, `docs/` included. */
export const pages: readonly Page[] = [
  ...markdownIn('.', false),
  ...markdownIn('.github', true),
  ...markdownIn('docs', true),
].map(pageOf);

export function pageAt(file: string): Page {
  const page = pages.find((one) => one.file === file);
  if (!page) throw new Error(`there is no page ${file}`);
  return page;
}

/** The value of a mark such as `file=NAME`. */
export function markOf(block: Block, name: string): string | undefined {
  return block.mark.startsWith(`${name}=`) ? block.mark.slice(name.length + 1) : undefined;
}

function markdownIn(folder: string, recursive: boolean): string[] {
  return readdirSync(folder, { recursive, encoding: 'utf8' })
    .filter((file) => file.endsWith('.md'))
    .map((file) => join(folder, file).split(sep).join('/'))
    .sort();
}

function pageOf(file: string): Page {
  const text = readFileSync(file, 'utf8');
  const blocks = [...text.matchAll(/^```(\w*) ?(.*)\n([\s\S]*?)^```$/gm)].map(
    ([, language = '', mark = '', inner = '']) => ({ language, mark, text: inner }),
  );
  return { file, text, blocks };
}
