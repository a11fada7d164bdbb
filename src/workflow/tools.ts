/** The tools that a workflow may call, as they are in the catalog at the moment. */
import type { JsonObject } from '../json/json.ts';

export interface ToolInfo {
  /** The config key of the server that answers. */
  readonly server: string;
  /** The server's health. */
  readonly health: string;
  readonly annotations: JsonObject;
  readonly inputSchema: unknown;
  readonly outputSchema?: unknown;
  /** Declared by the operator, or by the annotations of a server that the operator trusts. */
  readonly safeToRepeat: boolean;
}

export interface Tools {
  readonly get: (name: string) => ToolInfo | undefined;
  readonly names: () => Iterable<string>;
}

/** A tool without this annotation may write. */
export function isReadOnly(tool: ToolInfo | undefined): boolean {
  return tool?.annotations['readOnlyHint'] === true;
}
