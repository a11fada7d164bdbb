/** Long results: kept whole for the client that called, shown in part, and read on with `read_result`. */
import type { ResultsConfig } from '../config/config.ts';
import type { Call } from '../core/call.ts';
import type { Clock } from '../core/clock.ts';
import { RESOURCE_NOT_FOUND, RpcError } from '../core/errors.ts';
import { createCompile } from '../expression/compile.ts';
import { at, isObject, Json, type JsonObject, stringAt } from '../json/json.ts';
import { HeldResults } from '../results/held-results.ts';
import { takeApart } from '../results/long-result.ts';
import { readResult } from '../results/read-result.ts';
import { estimateTokens } from '../search/token-estimate.ts';

export interface LongResultsOptions {
  readonly config: ResultsConfig;
  readonly folder: string;
  readonly clock: Clock;
  /** Whose a result is, and who alone may read it. */
  readonly ownerOf: (call: Call) => string;
}

const SCHEME = 'switchyard://results/';
/** From this revision on a result may hold links. */
const LINKS_SINCE = '2025-06-18';
/** Of one answer of `read_result`, where the client has no limit of its own. */
const USUAL_TOKENS = 8000;

export function isResultUri(uri: string): boolean {
  return uri.startsWith(SCHEME);
}

export class LongResults {
  readonly #options: LongResultsOptions;
  readonly #held: HeldResults;
  readonly #compile = createCompile();

  constructor(options: LongResultsOptions) {
    this.#options = options;
    const { memoryBytes, totalBytes, ttlMs } = options.config;
    this.#held = new HeldResults({
      folder: options.folder,
      memoryBytes,
      totalBytes,
      ttlMs,
      clock: options.clock,
    });
  }

  /** @returns what the client gets: the result itself, or what stands for it. */
  shown(result: Json, call: Call, isStructureShown: boolean): Json | Promise<Json> {
    const maxTokens = call.client.exposure?.maxTokens;
    // Every token has at least one character.
    if (maxTokens === undefined || result.length <= maxTokens) return result;
    const type = result.at('resultType');
    if ((type !== undefined && type !== 'complete') || result.at('isError') === true) return result;
    return this.#shortened(result, call, { maxTokens, isStructureShown });
  }

  async #shortened(
    result: Json,
    call: Call,
    { maxTokens, isStructureShown }: { readonly maxTokens: number; readonly isStructureShown: boolean },
  ): Promise<Json> {
    const whole = result.exact;
    if (!isObject(whole) || whole['content'] === undefined) return result;
    const apart = takeApart(whole, {
      maxTokens,
      estimate: estimateTokens,
      isStructureShown,
      structureText: result.textAt('structuredContent'),
    });
    if (!apart) return result;
    const handle = await this.#held.keep(this.#options.ownerOf(call), apart.parts);
    if (handle === undefined) return result;
    const shortened = apart.shortened(handle);
    const [part] = apart.parts;
    const content = [...(shortened['content'] as readonly unknown[])];
    if (call.client.protocolVersion >= LINKS_SINCE && part)
      content.push({
        type: 'resource_link',
        uri: SCHEME + handle,
        name: `the whole result of ${call.name}`,
        mimeType: part.kind === 'json' ? 'application/json' : 'text/plain',
        size: part.bytes.length,
      });
    return Json.of({ ...shortened, content });
  }

  async read(call: Call): Promise<Json> {
    const args = at(call.params.value, 'arguments');
    const given: JsonObject = isObject(args) ? args : {};
    const number = (key: string): number | undefined => {
      const value = given[key];
      return typeof value === 'number' ? value : undefined;
    };
    const { text, note, isError } = await readResult(
      this.#options.ownerOf(call),
      {
        result: stringAt(given, 'result') ?? '',
        pointer: stringAt(given, 'pointer'),
        offset: number('offset'),
        limit: number('limit'),
        find: stringAt(given, 'find'),
        cel: stringAt(given, 'cel'),
      },
      {
        held: this.#held,
        compile: this.#compile,
        estimate: estimateTokens,
        maxTokens: call.client.exposure?.maxTokens ?? USUAL_TOKENS,
      },
    );
    const parts = isError ? [note] : [text, note];
    return Json.of({
      content: parts.map((part) => ({ type: 'text', text: part })),
      ...(isError && { isError }),
    });
  }

  /** The whole of it, for a client that follows the link. */
  async readResource(call: Call): Promise<Json> {
    const handle = call.name.slice(SCHEME.length);
    const owner = this.#options.ownerOf(call);
    const found = this.#held.find(owner, handle);
    const part = found.state === 'held' ? found.parts[0] : undefined;
    const bytes = part && (await this.#held.read(owner, handle, 0, { from: 0, to: part.size }));
    if (!part || !bytes)
      throw RpcError.of(RESOURCE_NOT_FOUND, `There is no result at ${call.name.slice(0, 80)}`);
    const mimeType = part.kind === 'json' ? 'application/json' : 'text/plain';
    return Json.of({ contents: [{ uri: call.name, mimeType, text: bytes.toString() }] });
  }

  close(): Promise<void> {
    return this.#held.close();
  }
}
