/**
 * What a model gets of the tools in place of all definitions and whole results: shorter lists, a search, calls by
 * name, parts of long results.
 *
 * Loaded with the first client that wants any of it.
 */
import type { Catalog } from '../catalog/catalog.ts';
import type { ExposeConfig, ResultsConfig } from '../config/config.ts';
import { Answer, answerOf } from '../core/answer.ts';
import type { Call, Client, Handler } from '../core/call.ts';
import { callWith } from '../core/call-with.ts';
import { type Cancellation, unlessCancelled } from '../core/cancellation.ts';
import type { Clock } from '../core/clock.ts';
import { INVALID_PARAMS, RpcError } from '../core/errors.ts';
import type { Logger } from '../core/logger.ts';
import { listed } from '../core/nearest.ts';
import { at, isObject, Json, type JsonObject, stringAt } from '../json/json.ts';
import { type ClientTraits, clientTraits } from '../search/client-table.ts';
import type { FindableServer } from '../search/find-answer.ts';
import { slimSchema } from '../search/slim-tool.ts';
import { definitionTokens } from '../search/token-estimate.ts';
import { type Access, accessFor, allows } from '../search/tool-class.ts';
import { isNested, readCall, targetParams, unknownTool } from './call-target.ts';
import { CatalogTools, isForAppsOnly, type KnownTool, knownTool, OWN_SERVER } from './known-tools.ts';
import { isResultUri, LongResults } from './long-results.ts';
import { callFor, CALLS, DESCRIBE, FIND, OWN_NAMES, READ } from './own-tools.ts';
import { OncePerClient } from './once-per-client.ts';
import { matchesAny } from './tool-globs.ts';
import { isOutputShown, toolList } from './tool-list.ts';
import { ToolSearch } from './tool-search.ts';

/** What one client sees of the servers. */
export interface ContextView {
  readonly catalog: Catalog;
  /** Waits a bounded time for something to be in the catalog, while servers are coming up. */
  appears(
    found: (catalog: Catalog) => boolean,
    wanted?: { name: string; signal?: Cancellation },
  ): Promise<void>;
  /** Lists that are old are asked for again. */
  missed(): Promise<void>;
  /** Why nothing of this name is there: its server could not be started. */
  absence(name: string): { readonly server: string; readonly why: string } | undefined;
}

export interface ModelContextOptions {
  /** As the config of the moment has them. */
  readonly expose: () => ExposeConfig;
  readonly results: ResultsConfig;
  readonly viewOf: (client: Client) => ContextView;
  /** The config keys of what has a namespace, in config order. */
  readonly servers: () => readonly string[];
  readonly serverFacts: (client: Client) => readonly FindableServer[];
  /** The definitions of the proxy's other own tools, as JSON texts. */
  readonly own: () => readonly string[];
  /** For results that memory has no room for. */
  readonly folder: string;
  readonly ownerOf: (client: Client) => string;
  readonly clock: Clock;
  readonly log: Logger;
}

const ACCESSES: readonly Access[] = ['read', 'write', 'destructive'];
const MAX_DESCRIBED = 5;
/** Before the index is wanted: the client has its list, and its model reads. */
const INDEX_AFTER_MS = 200;
/** Servers say in many ways that arguments are wrong. */
const WRONG_ARGUMENTS = /-32602|invalid|validation|required|missing|expected|argument|parameter|schema/i;
const MAX_INSTRUCTIONS = 2000;
const SEARCHING =
  'Tools are not listed: find_tools finds them, call_read, call_write and call_destructive call them.';

export class ModelContext {
  readonly #options: ModelContextOptions;
  readonly #search: ToolSearch;
  readonly #results: LongResults;
  /** Tools whose whole schema a client was told. */
  readonly #told = new OncePerClient();
  readonly #lists = new WeakMap<
    Catalog,
    Map<string, { readonly of: string; readonly list: readonly string[] }>
  >();

  constructor(options: ModelContextOptions) {
    this.#options = options;
    const { clock, folder, ownerOf, results: config, log } = options;
    this.#search = new ToolSearch(log);
    this.#results = new LongResults({ config, folder, clock, ownerOf: ({ client }) => ownerOf(client) });
  }

  traitsOf(clientName: string | undefined): ClientTraits {
    return clientTraits(clientName);
  }

  /** Do the catalog's definitions take more tokens than are listed in full? */
  exceedsBudget(catalog: Catalog): boolean {
    let left = this.#options.expose().budget;
    const known = CatalogTools.of(catalog);
    for (const name of known.names) {
      left -= definitionTokens(known.get(name)?.definition ?? {});
      if (left < 0) return true;
    }
    return false;
  }

  /** @param items the catalog's tools as the client's era takes them. */
  list(client: Client, catalog: Catalog, items: readonly string[]): readonly string[] {
    const { exposure } = client;
    const own = this.#options.own();
    if (!exposure) return [...items, ...own];
    const { pins, never } = this.#options.expose();
    const servers = this.#options.servers();
    if (exposure.list === 'search') this.#indexSoon(client);
    const of = JSON.stringify([own, pins, never, servers]);
    const lists = this.#lists.get(catalog) ?? new Map<string, { of: string; list: readonly string[] }>();
    const { capabilities } = client;
    const key = JSON.stringify([exposure, client.era, capabilities['tasks'], capabilities['extensions']]);
    const known = lists.get(key);
    if (known?.of === of) return known.list;
    const list = toolList(catalog, { items, own }, exposure, { capabilities, pins, never, servers });
    this.#lists.set(catalog, lists.set(key, { of, list }));
    return list;
  }

  /** The servers' instructions, and how tools are come by where they are not listed. */
  instructions({ exposure }: Client, instructions: string | undefined): string | undefined {
    if (exposure?.list !== 'search') return instructions;
    if (instructions === undefined) return SEARCHING;
    const [first = '', ...rest] = instructions.split('\n');
    const text = [first, SEARCHING, ...rest].join('\n');
    return text.length <= MAX_INSTRUCTIONS ? text : `${text.slice(0, MAX_INSTRUCTIONS - 1).trimEnd()}…`;
  }

  handle(call: Call, next: Handler): Answer {
    const { method, name } = call;
    if (method === 'resources/read' && isResultUri(name))
      return Answer.from(this.#results.readResource(call));
    if (method === 'tasks/result')
      return answerOf(next, call).on((result) => this.#results.shown(result, call, false));
    if (method !== 'tools/call') return next(call);
    const access = CALLS.get(name);
    const list = call.client.exposure?.list;
    if (list === 'all' || !OWN_NAMES.has(name)) {
      if (name === READ && call.client.exposure?.maxTokens !== undefined)
        return Answer.from(this.#results.read(call));
      return this.#called(call, next, false);
    }
    if (access) return this.#call(call, access, next);
    if (name === DESCRIBE) return Answer.of(this.#describe(call));
    return Answer.from(name === FIND ? this.#find(call) : this.#results.read(call));
  }

  close(): Promise<void> {
    return this.#results.close();
  }

  #call(call: Call, access: Access, next: Handler): Answer {
    const request = readCall(call.params);
    if (typeof request === 'string') return Answer.of(failed(request));
    const { tool } = request;
    if (OWN_NAMES.has(tool) && !this.#viewed(call.client, tool))
      return Answer.of(failed(`"${tool}" is called directly, by its own name.`));
    const known = this.#known(call.client, tool);
    const go = (found: KnownTool): Answer => {
      const fault = faultOf(found, access) ?? (isNested(request, found) ? NESTED : undefined);
      if (fault !== undefined) return Answer.of(failed(fault));
      const params = targetParams(call.params, request);
      return this.#called(callWith(call, { name: tool, params }), next, true);
    };
    if (known) return go(known);
    const later = this.#appeared(call, tool);
    return Answer.from(later.then((found) => (found instanceof Json ? found : go(found))));
  }

  /** A server that is coming up, or has changed, may be about to tell of the tool. */
  async #appeared({ client, signal }: Call, tool: string): Promise<KnownTool | Json> {
    const view = this.#options.viewOf(client);
    await unlessCancelled(
      view.appears(({ tools }) => tools.has(tool), { name: tool, signal }),
      signal,
    );
    if (!this.#known(client, tool)) await unlessCancelled(view.missed(), signal);
    const found = this.#known(client, tool);
    if (found) return found;
    const absence = view.absence(tool);
    if (absence) return failed(`"${tool}" cannot be called at the moment: ${absence.server}: ${absence.why}`);
    return failed(unknownTool(tool, this.#names(client)));
  }

  #called(call: Call, next: Handler, isHidden: boolean): Answer {
    const shown = (result: Json): Json | Promise<Json> => {
      if (result.at('isError') === true) return this.#withSchema(result, call);
      const { exposure } = call.client;
      if (exposure?.maxTokens === undefined || result.length <= exposure.maxTokens) return result;
      const { catalog } = this.#options.viewOf(call.client);
      const isStructureShown =
        !isHidden && isOutputShown(call.name, catalog, call.client, this.#options.expose().pins);
      return this.#results.shown(result, call, isStructureShown);
    };
    return answerOf(next, call).on(shown, (error) => {
      throw this.#errorWithSchema(error, call);
    });
  }

  async #find(call: Call): Promise<Json> {
    const given = argumentsOf(call);
    const access = ACCESSES.find((one) => one === given['access']);
    if (given['access'] !== undefined && given['access'] !== '' && !access)
      return failed(`"access" is one of ${listed(ACCESSES)}.`);
    const { limit } = given;
    const text = await this.#search.find(
      {
        query: stringAt(given, 'query'),
        server: stringAt(given, 'server'),
        access,
        limit: typeof limit === 'number' ? limit : undefined,
      },
      this.#searchable(call.client),
    );
    return said(text);
  }

  #describe(call: Call): Json {
    const { tools } = argumentsOf(call);
    const wanted = (Array.isArray(tools) ? (tools as unknown[]) : [tools]).filter(
      (one): one is string => typeof one === 'string',
    );
    if (wanted.length === 0) return failed('Give { "tools": ["NAME", …] }, at most 5.');
    const { never } = this.#options.expose();
    const found = wanted.slice(0, MAX_DESCRIBED).map((name) => {
      const tool = this.#known(call.client, name);
      if (!tool || matchesAny(name, never) || isForAppsOnly(tool))
        return unknownTool(name, this.#names(call.client));
      const { _meta: _hidden, icons: _icons, execution: _execution, ...definition } = tool.definition;
      return `[${tool.toolClass}] ${JSON.stringify(definition)}`;
    });
    const more = wanted.length > MAX_DESCRIBED ? [`At most ${MAX_DESCRIBED} at a time are described.`] : [];
    return said([...found, ...more].join('\n'));
  }

  /** A tool of the catalog, else one of the proxy's own. */
  #known(client: Client, name: string): KnownTool | undefined {
    const found = this.#viewed(client, name);
    if (found) return found;
    const text = this.#options.own().find((one) => one.includes(JSON.stringify(name)));
    const own = text === undefined ? undefined : knownTool(text, OWN_SERVER);
    return own?.name === name ? own : this.#ownTools().find((tool) => tool.name === name);
  }

  #viewed(client: Client, name: string): KnownTool | undefined {
    return CatalogTools.of(this.#options.viewOf(client).catalog).get(name);
  }

  #ownTools(): KnownTool[] {
    return this.#options.own().map((text) => knownTool(text, OWN_SERVER));
  }

  #names(client: Client): string[] {
    const { never } = this.#options.expose();
    const { tools } = this.#options.viewOf(client).catalog;
    return [...tools.keys(), ...this.#ownTools().map(({ name }) => name)].filter(
      (name) => !matchesAny(name, never),
    );
  }

  #searchable(client: Client): Parameters<ToolSearch['find']>[1] {
    const { catalog } = this.#options.viewOf(client);
    const own = this.#options.own();
    const servers = this.#options.serverFacts(client);
    const ownServer = {
      name: OWN_SERVER,
      about: 'Workflows, and the state of the servers',
      trouble: undefined,
    };
    return {
      catalog,
      own,
      never: this.#options.expose().never,
      servers: own.length > 0 ? [...servers, ownServer] : servers,
    };
  }

  #indexSoon(client: Client): void {
    this.#options.clock.after(INDEX_AFTER_MS, () => {
      this.#search.indexed(this.#searchable(client)).catch(() => {
        // Whoever searches is told.
      });
    });
  }

  /** The whole schema, once, to a model that knew a part of it. */
  #schemaFor({ client, name }: Call): string | undefined {
    const { exposure } = client;
    if (exposure === undefined || exposure.list === 'all') return undefined;
    const tool = this.#viewed(client, name);
    if (!tool || matchesAny(name, this.#options.expose().pins)) return undefined;
    const text = JSON.stringify(tool.inputSchema);
    if (exposure.list === 'slim' && JSON.stringify(slimSchema(tool.inputSchema)) === text) return undefined;
    return this.#told.isFirst(client, name) ? `The full input schema of ${name}: ${text}` : undefined;
  }

  #withSchema(result: Json, call: Call): Json {
    const content = at(result.brief, 'content');
    if (!Array.isArray(content) || !WRONG_ARGUMENTS.test(JSON.stringify(content).slice(0, 4000)))
      return result;
    // A failure of the way there says nothing of the arguments.
    if (result.at('_meta', 'switchyard/error') !== undefined) return result;
    const schema = this.#schemaFor(call);
    if (schema === undefined) return result;
    const whole = result.exact as JsonObject;
    return Json.of({
      ...whole,
      content: [...(whole['content'] as readonly unknown[]), { type: 'text', text: schema }],
    });
  }

  #errorWithSchema(error: unknown, call: Call): unknown {
    if (!(error instanceof RpcError) || error.code !== INVALID_PARAMS) return error;
    const schema = this.#schemaFor(call);
    if (schema === undefined) return error;
    return RpcError.of(error.code, `${error.message}\n${schema}`, at(error.json.exact, 'data'));
  }
}

const NESTED =
  'The tool and its arguments stand within "args": give { "tool": "NAME", "args": { … } } with the tool\'s own arguments in "args".';

/** Why a call with this access must not run the tool. */
function faultOf(tool: KnownTool, access: Access): string | undefined {
  if (isForAppsOnly(tool)) return `"${tool.name}" is for the app of its server alone.`;
  if (allows(access, tool.toolClass)) return undefined;
  return `Nothing was called: ${tool.name} is [${tool.toolClass}]. Call it with ${callFor(accessFor(tool.toolClass))}.`;
}

function argumentsOf({ params }: Call): JsonObject {
  const given = at(params.value, 'arguments');
  return isObject(given) ? given : {};
}

function said(text: string): Json {
  return Json.of({ content: [{ type: 'text', text }] });
}

function failed(text: string): Json {
  return Json.of({ content: [{ type: 'text', text }], isError: true });
}
