/**
 * A tool whose text speaks of another server's tool: harmless in most cases, and the way in which one server makes a
 * model misuse another. A hint for the operator, no defence.
 */
import { at } from '../../json/json.ts';
import type { NamedItem } from '../names/name-items.ts';
import type { ProblemList } from './problem-list.ts';

/** Names that may stand in a text by chance are not looked for. */
const TELLING = /[_-]|[a-z][A-Z]/;
const WORD = /[A-Za-z0-9_-]{5,128}/g;
/** Longer texts are read up to here. */
const MAX_CHARACTERS = 20_000;

export function reportCrossReferences(tools: readonly NamedItem[], problems: ProblemList): void {
  const owners = new Map<string, Set<string>>();
  for (const { item, name } of tools) {
    for (const known of new Set([name, item.originalName])) {
      if (!TELLING.test(known)) continue;
      const servers = owners.get(known) ?? new Set();
      owners.set(known, servers.add(item.entry.server));
    }
  }
  for (const { item } of tools) {
    const { server } = item.entry;
    const description = at(item.value, 'description');
    if (typeof description !== 'string') continue;
    for (const [word] of description.slice(0, MAX_CHARACTERS).matchAll(WORD)) {
      const servers = owners.get(word);
      if (!servers || servers.has(server)) continue;
      const whose = [...servers].map((one) => `"${one}"`).join(', ');
      problems.add(
        server,
        item.originalName,
        `its description names the tool "${word}" of another server (${whose})`,
      );
      break;
    }
  }
}
