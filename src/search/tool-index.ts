/**
 * Finds tools by words and by meaning.
 *
 * Pure and synchronous: who builds it, when, and what is answered is told elsewhere. Descriptions are foreign text: a
 * word counts once per field and a field only so far, so that nobody wins a place by repeating words.
 */
import MiniSearch from 'minisearch';
import { searchTerms, splitWords, wholeName } from './split-words.ts';
import { similarity, type WordTable } from './word-table.ts';

export interface SearchedTool {
  /** The name that clients see; unique. */
  readonly name: string;
  readonly server: string;
  readonly title: string | undefined;
  readonly description: string;
  /** Names and descriptions of its arguments. */
  readonly parameters: readonly string[];
  /** The operator's own words for it. */
  readonly keywords: readonly string[];
}

export interface FoundTool {
  readonly name: string;
  /** Comparable within one answer only. */
  readonly score: number;
}

/** Parts of a tool's text that are read, in words. */
const MAX_DESCRIPTION = 80;
const MAX_PARAMETERS = 160;
/** The name is what its author chose most carefully. */
const BOOST = { name: 2, title: 1, keywords: 2, server: 1, description: 1.2, parameters: 0.7 };
/** The constant of reciprocal rank fusion: how slowly a rank loses its worth. */
const RANK_CONSTANT = 10;
const MEANING_WEIGHT = 0.8;
/** Below it a tool is no match by meaning alone. */
const MIN_SIMILARITY = 0.25;
const DEPTH = 60;

type Field = keyof typeof BOOST;

export class ToolIndex {
  readonly #words: MiniSearch<SearchedTool>;
  readonly #table: WordTable | undefined;
  readonly #tools = new Map<string, SearchedTool>();
  readonly #vectors = new Map<string, Float32Array>();
  readonly #wholeNames = new Map<string, string>();

  constructor(table?: WordTable) {
    this.#table = table;
    this.#words = new MiniSearch<SearchedTool>({
      idField: 'name',
      fields: Object.keys(BOOST),
      extractField: (tool, field) => fieldText(tool, field as Field),
      tokenize: (text, field) => [...new Set(limited(searchTerms(text), field))],
      processTerm: (term) => term,
      searchOptions: { boost: BOOST, bm25: { k: 1.2, b: 0.7, d: 0 }, combineWith: 'OR' },
    });
  }

  get size(): number {
    return this.#tools.size;
  }

  /** Puts a tool in, in the place of one of the same name. */
  put(tool: SearchedTool): void {
    this.remove(tool.name);
    this.#tools.set(tool.name, tool);
    this.#words.add(tool);
    this.#wholeNames.set(wholeName(tool.name), tool.name);
    if (this.#table) this.#vectors.set(tool.name, this.#table.embed(meaningWords(tool)));
  }

  remove(name: string): void {
    const tool = this.#tools.get(name);
    if (!tool) return;
    this.#words.remove(tool);
    this.#tools.delete(name);
    this.#vectors.delete(name);
    this.#wholeNames.delete(wholeName(name));
  }

  /**
   * @param admits which tools may be found at all.
   * @returns the best first; equal ones in the order of their names. Empty where nothing fits.
   */
  search(query: string, admits: (name: string) => boolean = () => true): FoundTool[] {
    const scores = new Map<string, number>();
    const add = (names: readonly string[], weight: number): void => {
      names.forEach((name, rank) => {
        scores.set(name, (scores.get(name) ?? 0) + weight / (RANK_CONSTANT + rank));
      });
    };
    const byWords = this.#words
      .search(query, { filter: ({ id }) => admits(id as string) })
      .slice(0, DEPTH)
      .map(({ id }) => id as string);
    add(byWords, 1);
    add(this.#byMeaning(query, admits), MEANING_WEIGHT);
    const exact = this.#named(query);
    if (exact !== undefined && admits(exact)) scores.set(exact, Infinity);
    return [...scores]
      .map(([name, score]) => ({ name, score }))
      .sort((a, b) => b.score - a.score || (a.name < b.name ? -1 : 1));
  }

  #byMeaning(query: string, admits: (name: string) => boolean): string[] {
    if (!this.#table) return [];
    const wanted = this.#table.embed(telling(query));
    const near: { name: string; close: number }[] = [];
    for (const [name, vector] of this.#vectors) {
      if (!admits(name)) continue;
      const close = similarity(wanted, vector);
      if (close >= MIN_SIMILARITY) near.push({ name, close });
    }
    return near
      .sort((a, b) => b.close - a.close || (a.name < b.name ? -1 : 1))
      .slice(0, DEPTH)
      .map(({ name }) => name);
  }

  /** A name pasted as a client shows it may have the client's own prefixes: the longest end that is a name counts. */
  #named(query: string): string | undefined {
    const words = splitWords(query);
    if (!/^[\w.:/-]+$/.test(query.trim())) return undefined;
    for (let from = 0; from < words.length; from++) {
      const name = this.#wholeNames.get(words.slice(from).join(''));
      if (name !== undefined) return name;
    }
    return undefined;
  }
}

function fieldText(tool: SearchedTool, field: Field): string {
  const value = tool[field];
  return typeof value === 'string' ? value : (value?.join(' ') ?? '');
}

function limited(terms: readonly string[], field: string | undefined): readonly string[] {
  if (field === 'description') return terms.slice(0, MAX_DESCRIPTION);
  if (field === 'parameters') return terms.slice(0, MAX_PARAMETERS);
  return terms;
}

/** Words that describe what a tool does; those of its name and server count twice. */
function meaningWords(tool: SearchedTool): string[] {
  const name = [...telling(tool.name), ...telling(tool.title ?? ''), ...tool.keywords.flatMap(telling)];
  return [...name, ...name, ...new Set(telling(tool.description).slice(0, MAX_DESCRIPTION))];
}

function telling(text: string): string[] {
  return splitWords(text);
}
