/**
 * Which server a URI came from: listed ones stand in the catalog, those that only showed up in a result are
 * remembered here, up to a bound.
 *
 * A result leaves with its URIs as the client knows them: where the server's own spelling means another server's
 * resource to clients, it gets the prefix.
 */
import { hasElision } from '../../json/elided.ts';
import { at, type Json } from '../../json/json.ts';
import { editAt, editElements, type JsonPath } from '../../json/edit.ts';
import type { Catalog, Target } from '../catalog.ts';
import { seenUri } from './uri-claims.ts';

const MAX_REMEMBERED = 10_000;
/** A result with more URIs that nobody listed keeps the rest as they are. */
const MAX_NEW_IN_RESULT = 2000;

export class UriMemory {
  readonly #namespaceOf: (server: string) => string;
  /** Keys are the URIs that clients see; the oldest comes first. */
  readonly #remembered = new Map<string, Target>();

  constructor(namespaceOf: (server: string) => string) {
    this.#namespaceOf = namespaceOf;
  }

  /** Who answers for a URI that a client names. */
  find(uri: string, catalog: Catalog): Target | undefined {
    return (
      catalog.resources.get(uri)?.targets[0] ??
      this.#remembered.get(uri) ??
      catalog.templateFor(uri)?.targets[0]
    );
  }

  /** The URI a client sees for one of a server's own. */
  exposed(uri: string, server: string, catalog: Catalog): string {
    const listed = catalog.prefixedUris.get(server)?.get(uri);
    if (listed !== undefined) return listed;
    const owner = this.find(uri, catalog);
    const seen = !owner || owner.server === server ? uri : seenUri(uri, this.#namespaceOf(server));
    this.#remember(seen, { server, originalName: uri });
    return seen;
  }

  /** The result with its URIs as clients see them; they are remembered. */
  seen(result: Json, server: string, catalog: Catalog): Json {
    if (!mayHoldUris(result)) return result;
    const known = new Map<string, string>();
    /** Edits by list and index: a result may hold hundreds of thousands of links, so each list is gone through once. */
    const edits = new Map<string, Map<number, (element: string) => string>>();
    for (const { list, index, path } of uriPlaces(result.brief)) {
      const brief = valueAt(result.brief, [list, index, ...path]);
      const uri = hasElision(brief) ? valueAt(result.value, [list, index, ...path]) : brief;
      if (typeof uri !== 'string') continue;
      let exposed = known.get(uri);
      if (exposed === undefined) {
        if (known.size >= MAX_NEW_IN_RESULT && !catalog.prefixedUris.get(server)?.has(uri)) continue;
        known.set(uri, (exposed = this.exposed(uri, server, catalog)));
      }
      if (exposed === uri) continue;
      const spelt = JSON.stringify(exposed);
      const ofList = edits.get(list) ?? new Map<number, (element: string) => string>();
      edits.set(
        list,
        ofList.set(index, (element) => editAt(element, path, () => spelt)),
      );
    }
    if (edits.size === 0) return result;
    return result.edit((before) => {
      let text = before;
      for (const [list, ofList] of edits) text = editAt(text, [list], (found) => editElements(found, ofList));
      return text;
    });
  }

  #remember(uri: string, target: Target): void {
    this.#remembered.delete(uri);
    this.#remembered.set(uri, target);
    if (this.#remembered.size <= MAX_REMEMBERED) return;
    const oldest = this.#remembered.keys().next().value;
    if (oldest !== undefined) this.#remembered.delete(oldest);
  }
}

/** False only where surely no URI stands that clients see: the words for it, or an escape that may spell them, are missing. */
function mayHoldUris({ briefText: text }: Json): boolean {
  return text.includes('resource') || text.includes('"contents"') || text.includes('\\u');
}

/** A URI within an element of one of a result's lists. */
interface UriPlace {
  readonly list: string;
  readonly index: number;
  readonly path: JsonPath;
}

/** The places of URIs in results of tools, prompts and reads. */
function uriPlaces(value: unknown): UriPlace[] {
  const places: UriPlace[] = [];
  const look = (list: string, pathIn: (element: unknown) => JsonPath | undefined): void => {
    const elements = at(value, list);
    if (!Array.isArray(elements)) return;
    for (let index = 0; index < elements.length; index++) {
      const path = pathIn(elements[index]);
      if (path) places.push({ list, index, path });
    }
  };
  look('content', (block) => blockPath(block, []));
  look('messages', (message) => blockPath(at(message, 'content'), ['content']));
  look('contents', () => ['uri']);
  return places;
}

function blockPath(block: unknown, prefix: JsonPath): JsonPath | undefined {
  const type = at(block, 'type');
  if (type === 'resource_link') return [...prefix, 'uri'];
  return type === 'resource' ? [...prefix, 'resource', 'uri'] : undefined;
}

/** Like `at`, through arrays too. */
function valueAt(value: unknown, path: JsonPath): unknown {
  let current = value;
  for (const step of path)
    current =
      typeof step === 'number'
        ? Array.isArray(current)
          ? (current as unknown[])[step]
          : undefined
        : at(current, step);
  return current;
}
