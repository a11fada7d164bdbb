/**
 * A title in words for what had to be renamed: `github: create issue`.
 *
 * Some clients search in titles and read a name as one word: `github__create_issue` is then found neither by the
 * server nor by what the tool does.
 */
import { at, type JsonObject } from '../../json/json.ts';

/**
 * @param server the config key.
 * @param localName the operator's name for it, or its own.
 */
export function titleInWords(server: string, item: JsonObject, localName: string): string {
  return `${server}: ${ownTitle(item) ?? (wordsOf(localName) || localName)}`;
}

/** The title that clients show: the protocol puts `title` before the one in the annotations. */
function ownTitle(item: JsonObject): string | undefined {
  return [at(item, 'title'), at(item, 'annotations', 'title')].find(
    (title): title is string => typeof title === 'string' && title.trim() !== '',
  );
}

/** `getHTTPPage_v2.json` gives `get HTTP Page v2 json`. */
function wordsOf(name: string): string {
  return name
    .replace(/(?<=[\p{Ll}\p{N}])(?=\p{Lu})|(?<=\p{Lu})(?=\p{Lu}\p{Ll})/gu, ' ')
    .replace(/[^\p{L}\p{M}\p{N}]+/gu, ' ')
    .trim();
}
