/** Calls of tools and of the client's model, as outcomes: these functions never throw. */
import type { AskClient, Client, Handler } from '../core/call.ts';
import { Cancellation } from '../core/cancellation.ts';
import type { Clock } from '../core/clock.ts';
import { messageOf, ProxyError, RpcError } from '../core/errors.ts';
import { parseExact, printExact } from '../json/exact-json.ts';
import { at, isObject, Json, type JsonObject, stringAt } from '../json/json.ts';
import { checkInTime } from './definition/check-in-time.ts';
import { problemText } from './definition/problem.ts';
import type { Sample, ToolCall } from './run/host.ts';
import type { Outcome, StepError } from './run/port.ts';
import { resultErrorText, unwrap } from './run/unwrap.ts';

/** The client on whose behalf a run calls; `ask` is there as long as the client waits for the run. */
export interface Caller {
  readonly client: Client;
  readonly ask?: AskClient | undefined;
  readonly onProgress?: ((params: Json) => void) | undefined;
}

/** Time that a cancelled call has to come back, milliseconds. */
const GRACE_MS = 1000;

export async function callTool(
  { tool, arguments: args, timeoutMs, signal }: ToolCall,
  {
    handle,
    clock,
    caller,
    onProgress,
  }: {
    readonly handle: Handler;
    readonly clock: Clock;
    readonly caller: Caller;
    readonly onProgress: (params: Json) => void;
  },
): Promise<Outcome> {
  return await bounded({ timeoutMs, signal, clock }, async (inner) => {
    const params = Json.ofExact({ name: tool, arguments: args });
    const { client, ask } = caller;
    const result = await handle({
      method: 'tools/call',
      name: tool,
      params,
      client,
      signal: inner,
      onProgress,
      ask,
    });
    if (result.object?.['isError'] === true)
      return failed({ code: 'TOOL_ERROR', message: resultErrorText(result.exact), delivered: true });
    return { kind: 'done', value: result };
  });
}

export async function sampleModel(
  { params, schema, timeoutMs, signal }: Sample,
  {
    ask,
    clock,
    checkMs,
  }: { readonly ask: AskClient | undefined; readonly clock: Clock; readonly checkMs: number },
): Promise<Outcome> {
  if (!ask)
    return failed({
      code: 'CLIENT_CANNOT',
      message:
        'the client that runs this workflow has not declared sampling: its model cannot be asked. Run it from a client that samples, or give the step a fallback',
      delivered: false,
    });
  return await bounded({ timeoutMs, signal, clock }, async (inner) => {
    const wanted = Json.ofExact(schema ? withSchema(params, schema) : params);
    const result = await ask({
      method: 'sampling/createMessage',
      params: wanted,
      server: 'switchyard',
      signal: inner,
    });
    const answer = result.exact;
    const text = unwrap({ content: [at(answer, 'content')].flat() });
    if (!schema)
      return {
        kind: 'done',
        value: Json.of({
          output: typeof text === 'string' ? text : printExact(text),
          result: answer,
        }),
      };
    const output = typeof text === 'string' ? unfenced(text) : text;
    const { problems } = checkInTime(schema, output, { path: 'answer', ms: checkMs });
    if (problems.length > 0)
      return failed({
        code: 'TOOL_ERROR',
        message: `the model's answer does not fit the schema: ${problems.map(problemText).join('; ')}`,
        delivered: true,
      });
    return { kind: 'done', value: Json.of({ output, result: answer }) };
  });
}

function withSchema(params: unknown, schema: JsonObject): unknown {
  if (!isObject(params)) return params;
  const wish = `Answer with JSON only, without any other text, that fits this JSON Schema: ${printExact(schema)}`;
  const system = stringAt(params, 'systemPrompt');
  return { ...params, systemPrompt: system === undefined ? wish : `${system}\n\n${wish}` };
}

/** Models like to put JSON in a Markdown fence. */
function unfenced(text: string): unknown {
  const [, inner] = /^\s*```(?:json)?\s*\n([\s\S]*?)\n?```\s*$/.exec(text) ?? [];
  try {
    return parseExact(inner ?? text);
  } catch {
    return text;
  }
}

async function bounded(
  {
    timeoutMs,
    signal,
    clock,
  }: { readonly timeoutMs: number | undefined; readonly signal: Cancellation; readonly clock: Clock },
  work: (signal: Cancellation) => Promise<Outcome>,
): Promise<Outcome> {
  const inner = new Cancellation();
  const late = { out: false };
  const stopTimer =
    timeoutMs === undefined
      ? undefined
      : clock.after(timeoutMs, () => {
          late.out = true;
          inner.cancel(`no answer within ${timeoutMs} ms`, 'call-expired');
        });
  signal.link(inner);
  let stopGrace: (() => void) | undefined;
  const cutOff = new Promise<Outcome>((resolve) => {
    inner.onCancel((reason) => {
      stopGrace = clock.after(late.out ? 0 : GRACE_MS, () =>
        resolve(failed({ code: 'CANCELLED', message: reason, delivered: 'unknown' })),
      );
    });
  });
  const outcome = await Promise.race([work(inner).catch(outcomeOf), cutOff]);
  stopTimer?.();
  stopGrace?.();
  signal.unlink(inner);
  if (outcome.kind === 'done') return outcome;
  if (!late.out && signal.cancelled) {
    // Whatever its error, the call failed because it was cancelled.
    const { delivered: reached = 'unknown' } = outcome.error;
    return failed({ code: 'CANCELLED', message: signal.reason ?? 'cancelled', delivered: reached });
  }
  if (!late.out) return outcome;
  const { delivered = 'unknown' } = outcome.error;
  const error = { code: 'TIMEOUT', message: `no answer within ${timeoutMs} ms`, delivered };
  return delivered === false ? failed(error) : { kind: 'in_doubt', error };
}

function outcomeOf(error: unknown): Outcome {
  // An error of the server is an answer.
  if (error instanceof RpcError)
    return failed({ code: 'TOOL_ERROR', message: `${error.message} (${error.code})`, delivered: true });
  if (!(error instanceof ProxyError))
    return {
      kind: 'in_doubt',
      error: { code: 'INTERNAL', message: messageOf(error), delivered: 'unknown' },
    };
  const { code, message, delivered, retryAfterMs } = error;
  const known = { code, message, delivered, ...(retryAfterMs !== undefined && { retryAfterMs }) };
  const answered =
    error.answered ||
    delivered === false ||
    code === 'CANCELLED' ||
    code === 'RESULT_TOO_LARGE' ||
    code === 'CLIENT_CANNOT';
  return answered ? failed(known) : { kind: 'in_doubt', error: known };
}

function failed(error: StepError): Outcome {
  return { kind: 'failed', error };
}
