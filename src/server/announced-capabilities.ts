/** The capabilities that clients see, even before all servers are known. */
import type { Catalog } from '../catalog/catalog.ts';
import { isObject, type JsonObject } from '../json/json.ts';

/** A client never asks for what was not announced, and a server that is late may bring any of these. */
const MAY_COME: JsonObject = {
  tools: { listChanged: true },
  prompts: { listChanged: true },
  resources: { listChanged: true, subscribe: true },
  completions: {},
  logging: {},
};

/** The catalog's capabilities; all that may still come as well, where not every server is in the catalog. */
export function announcedCapabilities({ capabilities }: Catalog, complete: boolean): JsonObject {
  if (complete) return capabilities;
  const all: Record<string, unknown> = { ...MAY_COME, ...capabilities };
  for (const [key, value] of Object.entries(MAY_COME)) {
    const known = capabilities[key];
    if (isObject(known) && isObject(value)) all[key] = { ...value, ...known };
  }
  return all;
}
