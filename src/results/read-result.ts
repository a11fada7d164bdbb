/**
 * What `read_result` answers: a page of a kept result, a part of it, the places of a text in it, or what an expression
 * makes of it. It never calls a tool.
 */
import type { Compile, Expression } from '../expression/compile.ts';
import { ExpressionError } from '../expression/expression-error.ts';
import type { HeldPart, HeldResults } from './held-results.ts';
import { items, pointed, type JsonSpan, START } from './json-borders.ts';
import { shapeOf } from './json-shape.ts';
import { parsePartName } from './long-result.ts';
import { checkpointBefore, itemPage, linePage, type PageEnd } from './page.ts';
import { fitting } from './preview.ts';

export interface ReadRequest {
  /** The handle, as it was given. */
  readonly result: string;
  readonly pointer?: string | undefined;
  /** In bytes: where the page before has ended. */
  readonly offset?: number | undefined;
  /** In bytes. */
  readonly limit?: number | undefined;
  readonly find?: string | undefined;
  readonly cel?: string | undefined;
}

export interface ReaderOptions {
  readonly held: HeldResults;
  readonly compile: Compile;
  readonly estimate: (text: string) => number;
  /** Of one answer. */
  readonly maxTokens: number;
}

export interface ReadAnswer {
  /** The bytes as they are kept, or lines of ours; empty in an error. */
  readonly text: string;
  /** Where it stands, and how to go on. */
  readonly note: string;
  readonly isError: boolean;
}

const CEL_MS = 250;
/** Parsing more would hold up everybody. */
const MAX_CEL_BYTES = 32 * 1024 * 1024;
const MAX_FOUND = 20;
const MAX_FIND = 200;
/** Shown before and behind what was found. */
const AROUND = 100;
/** No page is larger, whatever its tokens. */
const MAX_PAGE_BYTES = 64 * 1024;
const MIN_PAGE_BYTES = 64;
/** What a token has at most usually: a page begins with so many. */
const USUAL_BYTES = 4;

interface Source {
  readonly owner: string;
  readonly name: string;
  readonly handle: string;
  readonly index: number;
  readonly part: HeldPart;
}

export async function readResult(
  owner: string,
  request: ReadRequest,
  options: ReaderOptions,
): Promise<ReadAnswer> {
  const { handle, index } = parsePartName(request.result);
  const found = options.held.find(owner, handle);
  if (found.state !== 'held') return failed(found.state === 'gone' ? GONE : unknown(request.result));
  const part = found.parts[index];
  if (!part) return failed(`"${handle}" has ${found.parts.length} parts, no part ${index + 1}.`);
  const source = { owner, name: request.result.trim(), handle, index, part };
  const { pointer, find, cel } = request;
  if ([find, cel].filter((way) => way !== undefined).length > 1)
    return failed('Give "find" or "cel", not both.');
  if ((pointer !== undefined || cel !== undefined) && part.kind !== 'json')
    return failed(`"${source.name}" is text, no JSON: use "offset" or "find".`);
  if (cel !== undefined) return evaluated(source, cel, request, options);
  const span =
    pointer === undefined ? { from: 0, to: part.size } : await pointedSpan(source, pointer, options);
  if (span === undefined) return failed(GONE);
  if (typeof span === 'string') return failed(span);
  return find === undefined ? page(source, span, request, options) : places(source, span, find, options);
}

const GONE =
  'This result is no longer kept: it was too old, or newer ones took its room. Call the tool again, and read it sooner.';

function unknown(name: string): string {
  return `There is no result "${name.slice(0, 40)}". Results are kept for the client that called the tool, under the name that its answer gave.`;
}

function failed(note: string): ReadAnswer {
  return { text: '', note, isError: true };
}

async function page(
  source: Source,
  span: JsonSpan,
  request: ReadRequest,
  options: ReaderOptions,
): Promise<ReadAnswer> {
  const { part, name } = source;
  const size = span.to - span.from;
  const { offset = 0 } = request;
  if (!Number.isSafeInteger(offset) || offset < 0 || offset > size)
    return failed(`"offset" has to be a whole number from 0 to ${size}.`);
  const most = Math.min(Math.max(request.limit ?? MAX_PAGE_BYTES, MIN_PAGE_BYTES), MAX_PAGE_BYTES);
  const from = span.from + offset;
  const begin = part.kind === 'json' ? checkpointBefore(part.checkpoints, from) : { ...START, at: from };
  let room = Math.min(most, options.maxTokens * USUAL_BYTES);
  const bytes = await read(source, { from: begin.at, to: Math.min(span.to, from + room) }, options);
  if (!bytes) return failed(GONE);
  const skipped = from - begin.at;
  for (;;) {
    const window = bytes.subarray(0, Math.min(bytes.length, skipped + room));
    const isLast = from + room >= span.to;
    const { to, end } =
      part.kind === 'json'
        ? itemPage(window, begin, skipped, isLast)
        : linePage(window.subarray(skipped), isLast);
    const piece = window.subarray(skipped, part.kind === 'json' ? to : skipped + to);
    const text = piece.toString();
    const tokens = options.estimate(text);
    if (tokens <= options.maxTokens || room <= MIN_PAGE_BYTES)
      return {
        text,
        note: pageNote({ name, request, offset, next: offset + piece.length, size, end }),
        isError: false,
      };
    room = Math.max(
      MIN_PAGE_BYTES,
      Math.floor(Math.min(room * 0.9, piece.length * (options.maxTokens / tokens))),
    );
  }
}

interface PagePlace {
  readonly name: string;
  readonly request: ReadRequest;
  readonly offset: number;
  readonly next: number;
  readonly size: number;
  readonly end: PageEnd;
}

function pageNote({ name, request, offset, next, size, end }: PagePlace): string {
  if (next >= size) return `Bytes ${offset} to ${size} of ${size}: the end.`;
  const { pointer } = request;
  const more = { result: name, ...(pointer === undefined ? {} : { pointer }), offset: next };
  const how = {
    item: 'ends between two items',
    line: 'ends with a line',
    within: 'ends within a long line or text',
    end: '',
  };
  return `Bytes ${offset} to ${next} of ${size} (${how[end]}). To go on: ${JSON.stringify(more)}`;
}

async function pointedSpan(
  source: Source,
  pointer: string,
  options: ReaderOptions,
): Promise<JsonSpan | string | undefined> {
  if (pointer !== '' && !pointer.startsWith('/'))
    return `"pointer" has to be a JSON pointer, as in "/items/0/name", got "${pointer.slice(0, 80)}".`;
  const bytes = await read(source, { from: 0, to: source.part.size }, options);
  if (!bytes) return undefined;
  return pointed(bytes, pointer) ?? nothingAt(bytes, pointer);
}

/** How far the pointer leads, and what is there instead. */
function nothingAt(bytes: Buffer, pointer: string): string {
  const steps = pointer.split('/').slice(0, 64);
  for (let length = steps.length - 1; length > 0; length--) {
    const reached = steps.slice(0, length).join('/');
    const span = pointed(bytes, reached);
    if (!span) continue;
    const [first] = items(bytes, span);
    if (!first)
      return `There is nothing at "${pointer.slice(0, 200)}": what is at "${reached}" has nothing in it.`;
    const keys =
      bytes[span.from] === 0x5b ? `a list of ${[...items(bytes, span)].length}` : keysAt(bytes, span);
    return `There is nothing at "${pointer.slice(0, 200)}": at "${reached}" is ${keys}.`;
  }
  return `There is nothing at "${pointer.slice(0, 200)}".`;
}

function keysAt(bytes: Buffer, span: JsonSpan): string {
  const keys: string[] = [];
  for (const { from, to } of items(bytes, span)) {
    if (keys.push(bytes.toString('utf8', from, Math.min(to, from + 60)).split(':', 1)[0] ?? '') === 20) break;
  }
  return `an object with ${keys.join(', ')}`;
}

async function places(
  source: Source,
  span: JsonSpan,
  find: string,
  options: ReaderOptions,
): Promise<ReadAnswer> {
  if (find === '' || find.length > MAX_FIND)
    return failed(`"find" has to be a text of 1 to ${MAX_FIND} characters.`);
  const bytes = await read(source, span, options);
  if (!bytes) return failed(GONE);
  const text = bytes.toString();
  const wanted = new RegExp(find.replaceAll(/[\\^$.*+?()[\]{}|/-]/g, String.raw`\$&`), 'giu');
  const lines: string[] = [];
  let count = 0;
  let tokens = 0;
  let [characters, at] = [0, 0];
  for (const { index, 0: found } of text.matchAll(wanted)) {
    if (++count > MAX_FOUND) continue;
    at += Buffer.byteLength(text.slice(characters, index));
    characters = index;
    const line = `${at}: ${around(text, index, found.length, source.part.kind)}`;
    tokens += options.estimate(line) + 1;
    if (tokens <= options.maxTokens) lines.push(line);
  }
  if (count === 0) return failed(`"${find}" is not in "${source.name}" (looked for without regard to case).`);
  const more = count > lines.length ? `, the first ${lines.length} are shown` : '';
  return {
    text: lines.join('\n'),
    note: `${count} places${more}. The number is the "offset" of the place.`,
    isError: false,
  };
}

/** The line of a text, or what is around in JSON; in one line. */
function around(text: string, index: number, length: number, kind: HeldPart['kind']): string {
  const isText = kind === 'text';
  const before = text.slice(Math.max(0, index - AROUND), index);
  const after = text.slice(index + length, index + length + AROUND);
  const head = isText ? before.slice(before.lastIndexOf('\n') + 1) : before;
  const tail = isText ? (after.split('\n', 1)[0] ?? '') : after;
  const line = head + text.slice(index, index + length) + tail;
  return line.replaceAll(/\s+/gu, ' ').replaceAll(/^[\udc00-\udfff]|[\ud800-\udbff]$/g, '');
}

async function evaluated(
  source: Source,
  cel: string,
  request: ReadRequest,
  options: ReaderOptions,
): Promise<ReadAnswer> {
  if (source.part.size > MAX_CEL_BYTES)
    return failed(
      `"${source.name}" is too large for an expression (${source.part.size} bytes): read pages, or a "pointer".`,
    );
  let expression: Expression;
  try {
    expression = options.compile(cel, { variables: ['value'], deadlineMs: CEL_MS });
  } catch (error) {
    return failed(expressionFault(error));
  }
  const bytes = await read(source, { from: 0, to: source.part.size }, options);
  if (!bytes) return failed(GONE);
  const span = request.pointer === undefined ? undefined : pointed(bytes, request.pointer);
  if (request.pointer !== undefined && !span) return failed(nothingAt(bytes, request.pointer));
  try {
    const value: unknown = JSON.parse(span ? bytes.toString('utf8', span.from, span.to) : bytes.toString());
    return answered(expression.evaluate({ value }), options);
  } catch (error) {
    return failed(expressionFault(error));
  }
}

function answered(value: unknown, { maxTokens, estimate }: ReaderOptions): ReadAnswer {
  const text = JSON.stringify(value) ?? 'null';
  if (text.length <= maxTokens || (text.length <= maxTokens * 16 && estimate(text) <= maxTokens))
    return { text, note: 'The value of the expression.', isError: false };
  if (typeof value === 'string')
    return {
      text: fitting(Buffer.from(value), { budget: maxTokens, estimate }, 'head'),
      note: `The beginning of a text of ${value.length} characters: narrow the expression.`,
      isError: false,
    };
  return failed(
    `The value of the expression is too long (${text.length} characters): ${shapeOf(value)}. Narrow it, or take fewer items.`,
  );
}

function expressionFault(error: unknown): string {
  if (!(error instanceof ExpressionError)) throw error;
  return `${error.message} The variable is \`value\`, as in value.items.filter(i, i.open).map(i, i.name).`;
}

function read(
  { owner, handle, index }: Source,
  span: JsonSpan,
  { held }: ReaderOptions,
): Promise<Buffer | undefined> {
  return held.read(owner, handle, index, span);
}
