import { asyncHandler } from '../../src/core/answer.ts';
import type { Call, Client, Handler } from '../../src/core/call.ts';
import { Cancellation } from '../../src/core/cancellation.ts';
import { type Delivered, type ErrorCode, ProxyError } from '../../src/core/errors.ts';
import { Json } from '../../src/json/json.ts';

export function client(id = 'anna'): Client {
  return {
    id,
    view: id,
    era: 'legacy',
    protocolVersion: '2025-11-25',
    info: undefined,
    capabilities: {},
    logLevel: undefined,
  };
}

export function callOf(name = 'search', more: Partial<Call> & { args?: unknown } = {}): Call {
  const { args = {}, ...rest } = more;
  return {
    method: 'tools/call',
    name,
    params: Json.fromText(JSON.stringify({ name, arguments: args })),
    client: client(),
    signal: new Cancellation(),
    ...rest,
  };
}

export function failure(
  code: ErrorCode,
  delivered: Delivered = 'unknown',
  more: { retryAfterMs?: number; cause?: unknown; message?: string } = {},
): ProxyError {
  return new ProxyError(code, {
    message: `"tavern" failed (${code}).`,
    server: 'tavern',
    delivered,
    ...more,
  });
}

export function answer(value: object = { content: [] }): Json {
  return Json.fromText(JSON.stringify(value));
}

/** A server under the test's hand: every call waits until the test answers it. */
export class Stage {
  readonly calls: { call: Call; resolve: (result?: Json) => void; reject: (error: Error) => void }[] = [];

  readonly handle: Handler = asyncHandler(
    (call) =>
      new Promise((resolve, reject) => {
        this.calls.push({ call, resolve: (result = answer()) => resolve(result), reject });
        call.signal.onCancel(() => reject(failure('CANCELLED')));
      }),
  );

  get last(): (typeof this.calls)[number] {
    return this.calls.at(-1) as (typeof this.calls)[number];
  }
}

/** Keeps a rejection from being reported as unhandled until the test looks. */
export function quiet<T>(outcome: PromiseLike<T>): Promise<T> {
  const promise = Promise.resolve(outcome);
  promise.catch(() => {});
  return promise;
}
