/** Workflows over tools that are functions: what they were called with is remembered. */
import { asyncHandler } from '../../src/core/answer.ts';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Call, Client } from '../../src/core/call.ts';
import { systemClock } from '../../src/core/clock.ts';
import { ProxyError } from '../../src/core/errors.ts';
import { Json, type JsonObject } from '../../src/json/json.ts';
import { startTimeOf } from '../../src/transport/child-process/process-table.ts';
import type { ToolInfo } from '../../src/workflow/tools.ts';
import { Workflows, type WorkflowsOptions } from '../../src/workflow/workflows.ts';

const log = { debug() {}, info() {}, warn() {}, error() {} };

export type ToolBody = (args: Readonly<Record<string, never>>, call: Call) => unknown;

export interface ToolSpec {
  readonly run: ToolBody;
  readonly readOnly?: boolean;
  readonly safe?: boolean;
  readonly inputSchema?: JsonObject;
}

export interface Bench {
  readonly workflows: Workflows;
  readonly calls: { readonly tool: string; readonly args: unknown }[];
  readonly stateDir: string;
  /** Ends it, state folder included. */
  readonly close: () => Promise<void>;
}

export function toolError(text: string): unknown {
  return { isError: true, content: [{ type: 'text', text }] };
}

export function lost(
  code: 'TIMEOUT' | 'DOWNSTREAM_UNAVAILABLE' = 'DOWNSTREAM_UNAVAILABLE',
  delivered: boolean | 'unknown' = 'unknown',
): ProxyError {
  return new ProxyError(code, { message: 'the connection broke', delivered });
}

export function clientNamed(id: string, capabilities: JsonObject = {}): Client {
  return {
    id,
    view: id,
    era: 'modern',
    protocolVersion: '2025-11-25',
    info: { name: id },
    capabilities,
    logLevel: undefined,
  };
}

export function bench(
  tools: Readonly<Record<string, ToolSpec>>,
  options: Partial<WorkflowsOptions> = {},
): Bench {
  const stateDir = options.stateDir ?? mkdtempSync(join(tmpdir(), 'switchyard-wf-'));
  const calls: { tool: string; args: unknown }[] = [];
  const infos = new Map<string, ToolInfo>(
    Object.entries(tools).map(
      ([name, { readOnly = false, safe = false, inputSchema = { type: 'object' } }]) => [
        name,
        {
          server: 'fake',
          health: 'ready',
          annotations: readOnly ? { readOnlyHint: true } : {},
          inputSchema,
          safeToRepeat: safe,
        },
      ],
    ),
  );
  const workflows = new Workflows({
    handle: asyncHandler(async (call) => {
      const args = (call.params.value as { arguments: never }).arguments;
      calls.push({ tool: call.name, args });
      const result = await tools[call.name]?.run(args, call);
      const whole =
        typeof result === 'object' &&
        result !== null &&
        ('content' in result || 'structuredContent' in result);
      return Json.of(
        whole
          ? result
          : { content: [{ type: 'text', text: JSON.stringify(result) ?? '' }], structuredContent: result },
      );
    }),
    tools: () => ({ get: (name) => infos.get(name), names: () => infos.keys() }),
    files: [],
    folder: stateDir,
    inline: 'allow',
    stateDir,
    clock: systemClock,
    log,
    startTimeOf,
    ...options,
  });
  return {
    workflows,
    calls,
    stateDir,
    close: async () => {
      await workflows.close();
      rmSync(stateDir, { recursive: true, force: true });
    },
  };
}
