/** The problems and warnings of a check: those of calls, and those of the whole catalog. */
import type { Catalog } from '../../catalog/catalog.ts';
import { type JsonObject, stringAt } from '../../json/json.ts';
import { oneLine } from '../terminal/sanitize.ts';
import type { CheckedCall } from './report.ts';
import { namesText } from './tool-sizes.ts';

/** Some clients take no more tools than this. */
const FEWEST_TOOLS = 128;

/** A call that the config declares has to work; one that was only tried has to be answered. */
export function callProblems(calls: readonly CheckedCall[]): string[] {
  return calls
    .filter(({ outcome, declared }) => outcome === 'failed' || (declared && outcome === 'error'))
    .map(({ tool, why }) => `call of ${oneLine(tool, 80)}: ${why ?? 'failed'}`);
}

export function callWarnings(calls: readonly CheckedCall[]): string[] {
  return calls
    .filter(({ outcome, declared }) => outcome === 'error' && !declared)
    .map(
      ({ tool, why }) => `${oneLine(tool, 80)} says that it only reads, and answers: ${why ?? 'an error'}`,
    );
}

/** Remarks about all tools taken together. */
export function catalogRemarks({ tools, lists }: Catalog): string[] {
  const twins = new Map<string, string[]>();
  for (const text of lists.tools.items) {
    const tool = JSON.parse(text) as JsonObject;
    const [target] = tools.get(stringAt(tool, 'name') ?? '')?.targets ?? [];
    if (!target) continue;
    const id = JSON.stringify([target.originalName, tool['description'], tool['inputSchema']]);
    twins.set(id, [...(twins.get(id) ?? []), oneLine(String(tool['name']), 80)]);
  }
  const same = [...twins.values()].filter((names) => names.length > 1);
  const [first] = same;
  return [
    ...(tools.size > FEWEST_TOOLS
      ? [
          `${tools.size} tools: a client that takes ${FEWEST_TOOLS} (VS Code) leaves some out; serve a part with --servers or --tags`,
        ]
      : []),
    ...(first
      ? [`${same.length} tools are offered by several servers, word for word: ${namesText(first)}`]
      : []),
  ];
}
