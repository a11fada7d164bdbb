/** The tools that a workflow may call, with what a plan wants to know of each. */
import type { Catalog } from '../catalog/catalog.ts';
import type { JsonObject } from '../json/json.ts';
import { at, isObject } from '../json/json.ts';
import type { Tools } from '../workflow/tools.ts';

export interface WorkflowViewOptions {
  readonly catalog: Catalog;
  readonly healthOf: (server: string) => string;
  /** Takes the name that clients see. */
  readonly isSafe: (name: string) => boolean;
}

export function workflowView({ catalog, healthOf, isSafe }: WorkflowViewOptions): Tools {
  return {
    names: () => catalog.tools.keys(),
    get(name) {
      const server = catalog.tools.get(name)?.targets[0]?.server;
      const tool = server === undefined ? undefined : definitions(catalog).get(name);
      if (server === undefined || !tool) return undefined;
      const annotations = at(tool, 'annotations');
      return {
        server,
        health: healthOf(server),
        annotations: isObject(annotations) ? annotations : {},
        inputSchema: tool['inputSchema'],
        outputSchema: tool['outputSchema'],
        safeToRepeat: isSafe(name),
      };
    },
  };
}

const known = new WeakMap<Catalog, ReadonlyMap<string, JsonObject>>();

function definitions(catalog: Catalog): ReadonlyMap<string, JsonObject> {
  const found = known.get(catalog);
  if (found) return found;
  const made = new Map<string, JsonObject>();
  for (const text of catalog.lists.tools.items) {
    const tool = JSON.parse(text) as JsonObject;
    made.set(String(tool['name']), tool);
  }
  known.set(catalog, made);
  return made;
}
