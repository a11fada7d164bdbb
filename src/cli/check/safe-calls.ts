/** The calls that a check may make: what the config declares, and what says of itself that it only reads. */
import type { CheckCall } from '../../config/config.ts';
import { Cancellation } from '../../core/cancellation.ts';
import { messageOf, RpcError } from '../../core/errors.ts';
import { at, type JsonObject, stringAt } from '../../json/json.ts';
import type { CheckedCall } from './report.ts';
import type { OwnProxy } from '../support/own-proxy.ts';

/** One call of a check. */
export interface SafeCall {
  readonly tool: string;
  readonly arguments: JsonObject;
  readonly declared: boolean;
}

/** The time limit of each call. */
const CALL_MS = 20_000;

/** A tool that `check.calls` names is tried as it says there, and not without arguments, too. */
export function safeCalls(tools: readonly JsonObject[], declared: readonly CheckCall[]): SafeCall[] {
  const named = declared.map(({ tool, arguments: args }) => ({
    tool,
    arguments: { ...args },
    declared: true,
  }));
  const reading = tools.flatMap((tool) => {
    const name = stringAt(tool, 'name') ?? '';
    const required = at(tool, 'inputSchema', 'required');
    const needs = Array.isArray(required) && required.length > 0;
    if (needs || at(tool, 'annotations', 'readOnlyHint') !== true) return [];
    return declared.some((one) => one.tool === name) ? [] : [{ tool: name, arguments: {}, declared: false }];
  });
  return [...named, ...reading];
}

/** Never rejects. @param shown makes a server's words fit to be shown. */
export async function tryCall(
  own: OwnProxy,
  { tool, arguments: args, declared }: SafeCall,
  shown: (text: string) => string,
  stopped: Cancellation,
): Promise<CheckedCall> {
  const from = performance.now();
  const signal = new Cancellation();
  stopped.link(signal);
  const timer = setTimeout(() => signal.cancel(`no answer within ${CALL_MS / 1000} s`), CALL_MS);
  const done = (outcome: CheckedCall['outcome'], why?: string): CheckedCall => ({
    tool,
    declared,
    outcome,
    ms: Math.round((performance.now() - from) * 10) / 10,
    why: why === undefined ? undefined : shown(why),
  });
  try {
    const params = { name: tool, arguments: args };
    const { value } = await own.call({ method: 'tools/call', name: tool, params, signal });
    if (at(value, 'isError') !== true) return done('answered');
    return done('error', firstText(value) ?? 'it says that it failed');
  } catch (error) {
    // An error of the server's own is an answer of it.
    return done(error instanceof RpcError ? 'error' : 'failed', messageOf(error));
  } finally {
    clearTimeout(timer);
    stopped.unlink(signal);
  }
}

function firstText(result: unknown): string | undefined {
  const content = at(result, 'content');
  return Array.isArray(content) ? stringAt(content[0], 'text') : undefined;
}
