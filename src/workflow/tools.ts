/** The tools that a workflow may call, as the catalog of the moment has them. */
import type { JsonObject } from '../json/json.ts';

export interface ToolInfo {
  /** The config key of the server that answers. */
  readonly server: string;
  /** How that server is doing. */
  readonly health: string;
  readonly annotations: JsonObject;
  readonly inputSchema: unknown;
  readonly outputSchema?: unknown;
  /** By the operator's word, or by the annotations of a server that the operator trusts. */
  readonly safeToRepeat: boolean;
}

export interface Tools {
  readonly get: (name: string) => ToolInfo | undefined;
  readonly names: () => Iterable<string>;
}

/** A tool that does not say so may write. */
export function isReadOnly(tool: ToolInfo | undefined): boolean {
  return tool?.annotations['readOnlyHint'] === true;
}
