import { nearest } from '../../core/nearest.ts';
import { isObject } from '../../json/json.ts';
import { parseDuration } from '../duration.ts';
import type { ToldProblem } from './problem.ts';
import type { Retry } from './program.ts';
import type { WrittenRetry } from './schema.ts';

/** `unsafe`: the step says that it may be repeated, whatever its tool. */
export function readRetry(
  retry: WrittenRetry | undefined,
  {
    path,
    unsafe,
    problem,
  }: { readonly path: string; readonly unsafe: boolean; readonly problem: ToldProblem },
): Retry {
  const written: WrittenRetry = isObject(retry) ? retry : {};
  const on = Array.isArray(written.on) ? written.on : DEFAULT_RETRY_ON;
  for (const [index, code] of on.entries()) {
    if (RETRY_CODES.includes(code)) continue;
    const near = nearest(String(code), RETRY_CODES);
    problem(
      `${path}.on[${index}]`,
      `there is no error code "${code}"; there are: ${RETRY_CODES.join(', ')}`,
      {
        ...(near !== undefined && { nearest: near, fix: JSON.stringify(near) }),
      },
    );
  }
  return {
    attempts: retry === undefined ? 1 : (written.attempts ?? 3),
    delayMs: parseDuration(written.delay) ?? 1000,
    factor: written.factor ?? 2,
    maxDelayMs: parseDuration(written.max_delay) ?? 30_000,
    on: new Set(on),
    unsafe: unsafe || written.unsafe === true,
  };
}

const DEFAULT_RETRY_ON = [
  'TIMEOUT',
  'DOWNSTREAM_UNAVAILABLE',
  'DOWNSTREAM_FAILED',
  'RATE_LIMITED',
  'BUSY',
  'CIRCUIT_OPEN',
];
const RETRY_CODES = [
  ...DEFAULT_RETRY_ON,
  'TOOL_ERROR',
  'LOGIN_REQUIRED',
  'RESULT_TOO_LARGE',
  'PROTOCOL_ERROR',
  'INTERNAL',
  'OUTCOME_UNKNOWN',
  'CLIENT_CANNOT',
  'STEP_FAILED',
];
