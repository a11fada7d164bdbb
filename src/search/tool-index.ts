/**
 * Finds tools by words and by meaning.
 *
 * When it is built, and what is answered, is told elsewhere. Descriptions are foreign text: a word counts
 * a few times per field and a field only so far, so that nobody wins a place by repeating words.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { bestOf, byScore, type Scored } from './best-of.ts';
import { searchTerms, splitWords, tellingWords, wholeName } from './split-words.ts';
import { NearWords } from './near-words.ts';
import { type WeightedTerms, WordIndex } from './word-index.ts';
import { similarity, type WeightedWord, type WordTable } from './word-table.ts';

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
const MAX_DESCRIPTION = 120;
const MAX_PARAMETERS = 160;
/** Different ones that make up a meaning. */
const MAX_MEANT = 70;
/** Of a query, in different words: pasted pages make searching slow, not better. */
const MAX_QUERY = 32;
/** The name is what its author chose most carefully. */
const WEIGHTS = { name: 1.5, title: 1, keywords: 1.5, server: 1, description: 1, parameters: 0.5 } as const;
/** The constant of reciprocal rank fusion: how slowly a rank loses its worth. */
const RANK_CONSTANT = 5;
/** Below it a tool is no match by meaning alone. */
const MIN_SIMILARITY = 0.25;
const DEPTH = 60;
/** More than any sum of ranks: the name itself was asked for. */
const NAMED = 1000;
/** How long building holds the event loop, about. */
const SLICE_MS = 4;

type Field = keyof typeof WEIGHTS;

const FIELDS = Object.keys(WEIGHTS) as Field[];

export class ToolIndex {
  readonly #words = new WordIndex();
  readonly #near: NearWords | undefined;
  readonly #table: WordTable | undefined;
  readonly #tools = new Map<string, SearchedTool>();
  readonly #vectors = new Map<string, Float32Array>();
  /** Names without their signs and case; a server can choose a name that becomes the same. */
  readonly #wholeNames = new Map<string, Set<string>>();
  #updating: Promise<void> = Promise.resolve();

  /** @param table without it, tools are found by their words alone. */
  constructor(table?: WordTable) {
    this.#table = table;
    this.#near = table && new NearWords(table);
  }

  get size(): number {
    return this.#tools.size;
  }

  /**
   * Makes these the tools that are found; only what differs is read anew. Lets others work in between, and is in the
   * meantime as far as it got.
   */
  update(tools: Iterable<SearchedTool>): Promise<void> {
    const wanted = new Map([...tools].map((tool) => [tool.name, tool]));
    // One at a time, or an older list could undo a newer one.
    this.#updating = this.#updating.then(() => this.#become(wanted));
    return this.#updating;
  }

  async #become(wanted: ReadonlyMap<string, SearchedTool>): Promise<void> {
    let from = performance.now();
    const pause = async (): Promise<void> => {
      if (performance.now() - from < SLICE_MS) return;
      await nextTurn();
      from = performance.now();
    };
    for (const name of [...this.#tools.keys()]) {
      if (wanted.has(name)) continue;
      this.remove(name);
      await pause();
    }
    for (const tool of wanted.values()) {
      const present = this.#tools.get(tool.name);
      if (present && isSame(present, tool)) continue;
      this.put(tool);
      await pause();
    }
  }

  /** Puts a tool in, in the place of one of the same name. */
  put(tool: SearchedTool): void {
    this.remove(tool.name);
    this.#tools.set(tool.name, tool);
    this.#words.put(
      tool.name,
      FIELDS.map((field) => ({
        terms: limited(searchTerms(fieldText(tool, field)), field),
        weight: WEIGHTS[field],
      })),
    );
    const whole = wholeName(tool.name);
    this.#wholeNames.set(whole, (this.#wholeNames.get(whole) ?? new Set()).add(tool.name));
    this.#near?.put(tool.name, nearFields(tool));
    if (this.#table) this.#vectors.set(tool.name, this.#table.embed(meaningWords(tool)));
  }

  remove(name: string): void {
    const tool = this.#tools.get(name);
    if (!tool) return;
    this.#words.remove(name);
    this.#near?.remove(name);
    this.#tools.delete(name);
    this.#vectors.delete(name);
    const whole = wholeName(name);
    const same = this.#wholeNames.get(whole);
    same?.delete(name);
    if (same?.size === 0) this.#wholeNames.delete(whole);
  }

  /**
   * @param admits which tools may be found at all.
   * @returns the best first; equal ones in the order of their names. Empty where nothing fits.
   */
  search(query: string, admits: (name: string) => boolean = () => true): FoundTool[] {
    const scores = new Map<string, number>();
    const rankings = [
      this.#byWords(query, admits),
      this.#byNearWords(query, admits),
      this.#byMeaning(query, admits),
    ];
    for (const ranking of rankings)
      for (const [rank, { name }] of ranking.entries())
        scores.set(name, (scores.get(name) ?? 0) + 1 / (RANK_CONSTANT + rank));
    for (const name of this.#named(query)) if (admits(name)) scores.set(name, NAMED);
    return [...scores].map(([name, score]) => ({ name, score })).sort(byScore);
  }

  #byWords(query: string, admits: (name: string) => boolean): Scored[] {
    const terms = [...new Set(searchTerms(query))].slice(0, MAX_QUERY);
    return this.#words.search(terms, DEPTH, admits);
  }

  #byNearWords(query: string, admits: (name: string) => boolean): Scored[] {
    return this.#near?.search(tellingWords(query).slice(0, MAX_QUERY), DEPTH, admits) ?? [];
  }

  #byMeaning(query: string, admits: (name: string) => boolean): Scored[] {
    if (!this.#table || !this.#near) return [];
    const near = this.#near;
    const words = tellingWords(query).map((word) => ({ word, weight: Math.sqrt(near.rarity(word)) }));
    const wanted = this.#table.embed(words);
    const found: Scored[] = [];
    for (const [name, vector] of this.#vectors) {
      const score = similarity(wanted, vector);
      if (score >= MIN_SIMILARITY && admits(name)) found.push({ name, score });
    }
    return bestOf(found, DEPTH);
  }

  /**
   * The tools that the query is the name of. A name pasted as a client shows it may have the client's own prefixes: the
   * longest end that is a name counts, in its exact spelling before others.
   */
  #named(query: string): readonly string[] {
    const asked = query.trim();
    if (!/^[\p{L}\p{N}_.:/-]{2,256}$/u.test(asked)) return [];
    const words = splitWords(asked);
    for (let from = 0; from < words.length; from++) {
      const names = this.#wholeNames.get(words.slice(from).join(''));
      if (!names) continue;
      const exact = [...names].filter((name) => asked.endsWith(name));
      return exact.length > 0 ? exact : [...names];
    }
    return [];
  }
}

function isSame(a: SearchedTool, b: SearchedTool): boolean {
  if (a === b) return true;
  const texts = (tool: SearchedTool): string[] => [tool.server, tool.title ?? '', tool.description];
  const lists = (tool: SearchedTool): string => JSON.stringify([texts(tool), tool.parameters, tool.keywords]);
  return lists(a) === lists(b);
}

function fieldText(tool: SearchedTool, field: Field): string {
  const value = tool[field];
  return typeof value === 'string' ? value : (value?.join(' ') ?? '');
}

function limited(terms: readonly string[], field: Field): readonly string[] {
  return terms.slice(0, field === 'parameters' ? MAX_PARAMETERS : MAX_DESCRIPTION);
}

/** Words that describe what a tool does; most of all those that its author named it by. */
function meaningWords({ name, title = '', keywords, description, parameters }: SearchedTool): WeightedWord[] {
  const of = (text: string, most: number): string[] => [...new Set(tellingWords(text))].slice(0, most);
  return [
    ...weighted([name, title, ...keywords].flatMap(tellingWords), 2),
    ...weighted(of(description, MAX_MEANT), 1),
    ...weighted(of(parameters.join(' '), MAX_MEANT), 0.5),
  ];
}

/** The same for single words, of which each counts once. */
function nearFields({ name, title = '', keywords, description, parameters }: SearchedTool): WeightedTerms[] {
  return [
    { terms: [name, title, ...keywords].flatMap(tellingWords), weight: 1 },
    { terms: tellingWords(description).slice(0, MAX_MEANT), weight: 0.8 },
    { terms: tellingWords(parameters.join(' ')).slice(0, MAX_MEANT), weight: 0.3 },
  ];
}

function weighted(words: readonly string[], weight: number): WeightedWord[] {
  return words.map((word) => ({ word, weight }));
}
