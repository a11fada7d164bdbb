/** `tools/list` in each mode. The same bytes for the same catalog and config. */
import type { Catalog } from '../catalog/catalog.ts';
import type { Client } from '../core/call.ts';
import type { ClientExposure } from '../core/list-mode.ts';
import { editObject, memberText } from '../json/edit.ts';
import type { JsonObject } from '../json/json.ts';
import { slimTool } from '../search/slim-tool.ts';
import { CatalogTools, hasToBeListed, knownTool, OWN_SERVER } from './known-tools.ts';
import { matchesAny } from './tool-globs.ts';
import {
  callDefinitions,
  describeDefinition,
  findDefinition,
  OWN_NAMES,
  readDefinition,
} from './own-tools.ts';

export interface ToolListOptions {
  readonly capabilities: JsonObject;
  readonly pins: readonly string[];
  readonly never: readonly string[];
  /** The config keys of all servers. */
  readonly servers: readonly string[];
}

/** The one of the proxy's other tools that a search does not hide: its description is how a model learns of it. */
const RUN_WORKFLOW = 'run_workflow';

/**
 * @param items the catalog's tools as this client's era takes them, in the catalog's order.
 * @param own the proxy's own tools beside those of this folder.
 */
export function toolList(
  catalog: Catalog,
  { items, own }: { readonly items: readonly string[]; readonly own: readonly string[] },
  { list, maxTokens }: ClientExposure,
  { capabilities, pins, never, servers }: ToolListOptions,
): readonly string[] {
  const names = [...catalog.tools.keys()];
  const known = CatalogTools.of(catalog);
  const listed: string[] = [];
  for (const [place, text] of items.entries()) {
    const name = names[place] ?? '';
    if (matchesAny(name, never) || (list !== 'all' && OWN_NAMES.has(name))) continue;
    if (matchesAny(name, pins)) listed.push(alwaysLoaded(text));
    else if (list === 'all') listed.push(text);
    else if (list === 'slim') listed.push(slimText(text));
    else {
      const tool = text.includes('"ui') || text.includes('"taskSupport"') ? known.get(name) : undefined;
      if (tool && hasToBeListed(tool, capabilities)) listed.push(text);
    }
  }
  const allowed = own.filter((text) => !matchesAny(knownTool(text, OWN_SERVER).name, never));
  const read = maxTokens === undefined ? [] : [readDefinition()];
  if (list === 'all') return [...listed, ...allowed, ...read];
  if (list === 'slim')
    return [...listed, ...allowed.map((text) => slimText(text, pins)), describeDefinition(), ...read];
  const shown = allowed.filter((text) => {
    const { name } = knownTool(text, OWN_SERVER);
    return name === RUN_WORKFLOW || matchesAny(name, pins);
  });
  return [
    ...listed,
    // What it says it gives would forbid to shorten its results.
    ...shown.map((text) => editObject(text, { outputSchema: undefined })),
    findDefinition(servers),
    describeDefinition(),
    ...callDefinitions(),
    ...read,
  ];
}

/** Does `tools/list` show what this tool's results look like? */
export function isOutputShown(
  name: string,
  catalog: Catalog,
  { exposure, capabilities }: Client,
  pins: readonly string[],
): boolean {
  const tool = CatalogTools.of(catalog).get(name);
  if (!tool) return exposure?.list !== 'search';
  if (tool.definition['outputSchema'] === undefined) return false;
  return exposure?.list !== 'search' || matchesAny(name, pins) || hasToBeListed(tool, capabilities);
}

function slimText(text: string, pins: readonly string[] = []): string {
  const tool = JSON.parse(text) as JsonObject;
  return matchesAny(String(tool['name']), pins) ? text : JSON.stringify(slimTool(tool));
}

/** For clients that keep definitions back until the model looks for them. */
function alwaysLoaded(text: string): string {
  const meta = memberText(text, '_meta') ?? '{}';
  return editObject(text, { _meta: editObject(meta, { 'anthropic/alwaysLoad': 'true' }) });
}
