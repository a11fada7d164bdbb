/**
 * What `find_tools` answers: a line for each tool that fits, then what was left out and what could not be looked into.
 *
 * Pure, and the same text for the same catalogue. Every line begins with a name of ours; text of servers stands behind
 * it, where it can neither end the line nor look like one (`foreign-line.ts`).
 */
import { listed } from '../core/nearest.ts';
import { foreignLine, shortened } from './foreign-line.ts';
import { firstSentence } from './first-sentence.ts';
import { signatureLine, type SignedTool } from './signature.ts';
import { type Access, accessFor } from './tool-class.ts';
import type { FoundTool } from './tool-index.ts';

export interface FindRequest {
  readonly query: string;
  readonly server: string | undefined;
  readonly access: Access | undefined;
  /** 1 to `MAX_LIMIT`. */
  readonly limit: number;
}

export interface FindableTool extends SignedTool {
  readonly server: string;
}

export interface FindableServer {
  readonly name: string;
  /** What the config says that it is for, or the server itself. */
  readonly about: string;
  /** Why its tools cannot be called at the moment. */
  readonly trouble: 'down' | 'starting' | 'needs a login' | undefined;
}

export interface Findable {
  readonly tools: ReadonlyMap<string, FindableTool>;
  readonly servers: readonly FindableServer[];
  /** The best first, of those admitted; empty where nothing fits. */
  readonly search: (query: string, admits: (name: string) => boolean) => readonly FoundTool[];
}

export const DEFAULT_LIMIT = 10;
const MAX_LIMIT = 20;
/** A list of one server's tools, or of all servers, in characters. */
const MAX_LIST = 24_000;
const MAX_ABOUT = 100;

export function findAnswer(request: FindRequest, findable: Findable): string {
  const { server } = request;
  const query = request.query.trim();
  if (server !== undefined && !findable.servers.some(({ name }) => name === server))
    return `There is no server "${shortened(foreignLine(server), 60)}". The servers are:\n${serverLines(findable)}`;
  if (query !== '') return searched(query, request, findable);
  return server === undefined
    ? `Servers behind this one:\n${serverLines(findable)}`
    : allOf(server, request, findable);
}

function searched(query: string, { server, access, limit }: FindRequest, findable: Findable): string {
  const { tools } = findable;
  const admits = (name: string): boolean => {
    const tool = tools.get(name);
    if (!tool || (server !== undefined && tool.server !== server)) return false;
    return access === undefined || accessFor(tool.toolClass) === access;
  };
  const found = findable.search(query, admits).flatMap(({ name }) => tools.get(name) ?? []);
  const shown = found.slice(0, limit);
  const notes = [...more(found.length - shown.length), ...troubles(shown, server, findable)];
  if (shown.length > 0) return [...shown.map(signatureLine), ...notes].join('\n');
  const narrowed = [
    server !== undefined && `on "${server}"`,
    access !== undefined && `with access "${access}"`,
  ];
  const where = narrowed.filter((part) => part !== false).join(' ');
  const nothing = `Nothing fits${where === '' ? '' : ` ${where}`}. Try other words, or look at one server's tools: { "server": "NAME" }.`;
  return [nothing, ...notes, 'Servers:', serverLines(findable)].join('\n');
}

function allOf(server: string, { access }: FindRequest, findable: Findable): string {
  const own = [...findable.tools.values()]
    .filter(
      (tool) => tool.server === server && (access === undefined || accessFor(tool.toolClass) === access),
    )
    .sort(byName);
  const lines = bounded(own.map(signatureLine), 'more tools: search with a query');
  const [trouble] = troubles(own, server, findable);
  if (lines.length === 0 && trouble === undefined)
    return `"${server}" has no tools${access === undefined ? '' : ` with access "${access}"`}.`;
  return [...lines, ...(trouble === undefined ? [] : [trouble])].join('\n');
}

function serverLines({ tools, servers }: Findable): string {
  const counts = new Map<string, number>();
  for (const { server } of tools.values()) counts.set(server, (counts.get(server) ?? 0) + 1);
  const lines = servers.toSorted(byName).map(({ name, about, trouble }) => {
    const count = counts.get(name) ?? 0;
    const state = trouble === undefined ? '' : `, ${trouble}`;
    const told = shortened(foreignLine(firstSentence(about)), MAX_ABOUT);
    return `${name} (${count} ${count === 1 ? 'tool' : 'tools'}${state})${told === '' ? '' : ` - ${told}`}`;
  });
  return bounded(lines, 'more servers').join('\n');
}

function more(count: number): string[] {
  if (count <= 0) return [];
  return [`${count} more matched: say more, name a "server", or raise "limit" (at most ${MAX_LIMIT}).`];
}

/** Servers that cannot be called: whose tools were found, and whose tools nobody knows yet. */
function troubles(shown: readonly FindableTool[], server: string | undefined, findable: Findable): string[] {
  const known = new Set([...findable.tools.values()].map((tool) => tool.server));
  const found = new Set(shown.map((tool) => tool.server));
  const notes: string[] = [];
  const name = (one: FindableServer): string => `${one.name} (${one.trouble})`;
  const concerned = findable.servers
    .filter((one) => one.trouble !== undefined && (server === undefined || one.name === server))
    .toSorted(byName);
  const unusable = concerned.filter((one) => found.has(one.name)).map(name);
  if (unusable.length > 0) notes.push(`Not usable at the moment: ${listed(unusable)}.`);
  const unknown = concerned.filter((one) => !known.has(one.name)).map(name);
  if (unknown.length > 0)
    notes.push(`Could not be looked into, and may hold what you need: ${listed(unknown)}.`);
  return notes;
}

function bounded(lines: readonly string[], rest: string): string[] {
  const kept: string[] = [];
  let length = 0;
  for (const line of lines) {
    length += line.length;
    if (length > MAX_LIST) return [...kept, `${lines.length - kept.length} ${rest}.`];
    kept.push(line);
  }
  return kept;
}

function byName(a: { readonly name: string }, b: { readonly name: string }): number {
  return a.name < b.name ? -1 : a.name > b.name ? 1 : 0;
}
