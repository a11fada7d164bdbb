/**
 * How each client's tools and results come: as the servers give them, shortened, or behind a search.
 *
 * The strongest word counts: the URL or the flag of the client's entry, its token, its name, the config. A session keeps
 * what was decided for it. The tables and texts that only some clients need are loaded with the first of those clients.
 */
import type { Catalog } from '../catalog/catalog.ts';
import { matchesGlob } from '../catalog/names/glob.ts';
import type { ExposeConfig, ResultsConfig } from '../config/config.ts';
import { Answer } from '../core/answer.ts';
import type { Call, Client, Middleware } from '../core/call.ts';
import type { ClientExposure, ListMode } from '../core/list-mode.ts';
import { stringAt } from '../json/json.ts';
import type { ModelContext } from './model-context.ts';

export interface ExposuresOptions {
  /** As the config of the moment has them. */
  readonly expose: () => ExposeConfig;
  readonly results: () => ResultsConfig;
  readonly load: () => Promise<ModelContext>;
}

type WantedMode = ExposeConfig['list'];

export class Exposures {
  readonly #options: ExposuresOptions;
  #loading: Promise<ModelContext> | undefined;
  #loaded: ModelContext | undefined;
  /** Equal ones are one object: a modern client has one for each request. */
  readonly #known = new Map<string, ClientExposure>();

  constructor(options: ExposuresOptions) {
    this.#options = options;
  }

  /** For a request of the modern era, whose lists depend on nothing that a client tells of itself. */
  ofRequest(asked: ListMode | undefined, person: string | undefined): ClientExposure | undefined {
    const wanted = asked ?? this.#ofToken(person) ?? this.#options.expose().list;
    return this.#exposure(wanted === 'auto' ? 'all' : wanted, undefined, false);
  }

  /**
   * For a session.
   *
   * @param catalog as far as it is known.
   * @returns `later` where that is not enough to tell.
   */
  async ofSession(
    client: Client,
    asked: ListMode | undefined,
    { catalog, complete }: { readonly catalog: Catalog; readonly complete: boolean },
  ): Promise<ClientExposure | 'later' | undefined> {
    const expose = this.#options.expose();
    const name = stringAt(client.info, 'name');
    const wanted = asked ?? this.#ofToken(client.person) ?? named(expose.clients, name) ?? expose.list;
    if (wanted !== 'auto') return this.#exposure(wanted, name, false);
    const context = await this.context();
    const { defers, isLibrary } = context.traitsOf(name);
    if (defers) return this.#exposure('all', name, isLibrary);
    if (context.exceedsBudget(catalog)) return this.#exposure('search', name, isLibrary);
    return complete ? this.#exposure('all', name, isLibrary) : 'later';
  }

  context(): Promise<ModelContext> {
    return (this.#loading ??= this.#options.load().then((loaded) => (this.#loaded = loaded)));
  }

  /** Outermost on the way of a call. */
  readonly middleware: Middleware = (next) => {
    const first = (call: Call): Answer =>
      Answer.from(this.context().then((context) => context.handle(call, next)));
    return (call) => {
      if (call.client.exposure === undefined) return next(call);
      return this.#loaded ? this.#loaded.handle(call, next) : first(call);
    };
  };

  async close(): Promise<void> {
    // What could not be loaded has nothing to close.
    const loaded = await this.#loading?.catch(() => undefined);
    await loaded?.close();
  }

  #ofToken(person: string | undefined): WantedMode | undefined {
    return person === undefined ? undefined : this.#options.expose().tokens.get(person);
  }

  #exposure(list: ListMode, name: string | undefined, isLibrary: boolean): ClientExposure | undefined {
    const { maxTokens: usual, clients } = this.#options.results();
    const { pins, never } = this.#options.expose();
    const most = named(clients, name) ?? (list !== 'all' || isLibrary ? usual : 0);
    const maxTokens = most === 0 ? undefined : most;
    if (list === 'all' && maxTokens === undefined && pins.length === 0 && never.length === 0)
      return undefined;
    const key = `${list} ${maxTokens}`;
    const known = this.#known.get(key) ?? { list, maxTokens };
    this.#known.set(key, known);
    return known;
  }
}

function named<Value>(table: ReadonlyMap<string, Value>, name: string | undefined): Value | undefined {
  if (name === undefined) return undefined;
  const lower = name.slice(0, 200).toLowerCase();
  return [...table].find(([glob]) => matchesGlob(lower, glob.toLowerCase()))?.[1];
}
