/** The page of the error codes. The type of the table fails the build while a code has no row. */
import type { ErrorCode } from '../../src/core/errors.ts';

interface Row {
  readonly means: string;
  readonly remedy: string;
}

/** In the order of the page. */
const ROWS: Readonly<Record<ErrorCode | 'INTERNAL', Row>> = {
  DOWNSTREAM_UNAVAILABLE: {
    means: 'The server could not be reached, or did not start.',
    remedy: '`switchyard check` says why. The proxy starts it again by itself.',
  },
  DOWNSTREAM_FAILED: {
    means: 'The server or its connection ended while the call was under way.',
    remedy: '`switchyard logs SERVER` shows its last words.',
  },
  TIMEOUT: {
    means: 'No answer and no progress came within `timeoutMs`, or no answer within `maxTimeoutMs`.',
    remedy: 'Raise them for the server, or for one tool in `tools.override`.',
  },
  BUSY: {
    means: 'Too many calls wait for this server, or for the whole proxy.',
    remedy: 'Make fewer calls at a time, or raise `maxConcurrency`, `maxQueue` or `limits`.',
  },
  RATE_LIMITED: {
    means: 'The server asked for fewer calls.',
    remedy: 'Wait for `retryAfterMs`.',
  },
  CIRCUIT_OPEN: {
    means: 'The server failed too often in a row and is given a rest.',
    remedy: 'Wait for `retryAfterMs`. `circuitBreaker` sets when the circuit opens, and for how long.',
  },
  OUTCOME_UNKNOWN: {
    means: 'The call may have taken effect, so it was not sent again.',
    remedy: 'See whether it did. List the tool in `tools.safeToRepeat` if doing it twice does no harm.',
  },
  RESULT_TOO_LARGE: {
    means: 'The answer is larger or deeper than `limits` allows.',
    remedy: 'Ask for less, or raise `limits.messageBytes`, `depth`, `values` or `contentParts`.',
  },
  PROTOCOL_ERROR: {
    means: 'What the server sent is not an answer that MCP knows.',
    remedy: "Report it to the server's author. `switchyard logs SERVER` has more.",
  },
  CLIENT_CANNOT: {
    means: 'The server asks for sampling, elicitation or roots, which this client does not support.',
    remedy: 'Use another client for this tool.',
  },
  LOGIN_REQUIRED: {
    means: 'The server wants a login.',
    remedy: '`switchyard login SERVER`.',
  },
  CANCELLED: {
    means: 'The call was cancelled.',
    remedy: 'Nothing.',
  },
  WORKFLOW_INVALID: {
    means: 'The definition or the input of a workflow has mistakes.',
    remedy:
      'The error lists all of them, each with a fix. `switchyard workflow plan` checks without running.',
  },
  STEP_FAILED: {
    means: 'A step of a workflow failed, and the run with it.',
    remedy: '`switchyard workflow show RUN`. After a fix: `switchyard workflow resume RUN`.',
  },
  NEEDS_ATTENTION: {
    means: "A run waits for a decision: mostly, whether a step's call took effect before a crash.",
    remedy: 'See whether it did, then decide: `switchyard workflow resume RUN`.',
  },
  INTERNAL: {
    means: 'The proxy itself has a bug. No server is to blame.',
    remedy: '`switchyard logs` says where. Report it with the lines around the call.',
  },
};

export function errorsPage(): string {
  return [
    '# Error codes',
    '<!-- Made by `npm run docs` from scripts/reference/errors.ts: change it there. -->',
    "A server's own error passes unchanged. A failure of the proxy carries one of the codes below.",
    'For `tools/call` the failure is a result with `isError: true`. Its text says what happened, to which server, and what to do. Its `_meta["switchyard/error"]` is `{ code, server, delivered, retryAfterMs? }`. For every other method the failure is the JSON-RPC error -32603 with the same object as `data`.',
    '`delivered` says whether the server may have acted: `false` means surely not, `true` means that it got the request, and `"unknown"` means that nobody can tell.',
    'A tool that does not exist is the JSON-RPC error -32602, and the message names the nearest names.',
    '[Troubleshooting](../guides/troubleshooting.md) starts from symptoms instead of codes.',
    [
      '| Code | Meaning | What to do |',
      '| --- | --- | --- |',
      ...Object.entries(ROWS).map(([code, { means, remedy }]) => `| \`${code}\` | ${means} | ${remedy} |`),
    ].join('\n'),
    '',
  ].join('\n\n');
}
