/**
 * Which server a URI came from: listed ones stand in the catalog, those that only showed up in a result are
 * remembered here, up to a bound.
 *
 * A result leaves with its URIs as the client knows them: where the server's own spelling means another server's
 * resource to clients, it gets the prefix.
 */
import { at, Json } from '../core/json.ts';
import { editAt, type Path } from '../core/json-edit.ts';
import type { Catalog, Target } from './catalog.ts';
import { seenUri } from './uri-claims.ts';

const MAX_REMEMBERED = 10_000;

export class UriMemory {
  readonly #namespaceOf: (server: string) => string;
  /** By the URI clients see; the oldest first. */
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
    let text: string | undefined;
    for (const path of uriPaths(result.value)) {
      const uri = valueAt(result.value, path);
      if (typeof uri !== 'string') continue;
      const exposed = this.exposed(uri, server, catalog);
      if (exposed !== uri) text = editAt(text ?? result.text, path, () => JSON.stringify(exposed));
    }
    return text === undefined ? result : Json.fromText(text);
  }

  #remember(uri: string, target: Target): void {
    this.#remembered.delete(uri);
    this.#remembered.set(uri, target);
    if (this.#remembered.size <= MAX_REMEMBERED) return;
    const oldest = this.#remembered.keys().next().value;
    if (oldest !== undefined) this.#remembered.delete(oldest);
  }
}

/** Where results of tools, prompts and reads carry URIs. */
function uriPaths(value: unknown): Path[] {
  const paths: Path[] = [];
  const blocks = (list: unknown, prefix: Path, inner: Path): void => {
    if (!Array.isArray(list)) return;
    for (let i = 0; i < list.length; i++) blockPath(valueAt(list[i], inner), [...prefix, i, ...inner], paths);
  };
  blocks(at(value, 'content'), ['content'], []);
  blocks(at(value, 'messages'), ['messages'], ['content']);
  const contents = at(value, 'contents');
  if (Array.isArray(contents)) for (let i = 0; i < contents.length; i++) paths.push(['contents', i, 'uri']);
  return paths;
}

function blockPath(block: unknown, path: Path, paths: Path[]): void {
  const type = at(block, 'type');
  if (type === 'resource_link') paths.push([...path, 'uri']);
  else if (type === 'resource') paths.push([...path, 'resource', 'uri']);
}

/** Like `at`, through arrays too. */
function valueAt(value: unknown, path: Path): unknown {
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
