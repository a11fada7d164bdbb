/** HTTP statuses as errors of ours: what one means for the request that it answers, and the server's own reason. */
import { type Delivered, type ErrorCode, ProxyError } from '../../core/errors.ts';
import type { ResponseHeaders } from '../http1/fields.ts';
import { HttpStatusError } from './errors.ts';
import { headerOf } from './headers.ts';

/**
 * The error for a status other than 2xx and 3xx.
 *
 * @param bodyText without the credentials of the request, which some servers repeat.
 */
export function statusError(
  server: string,
  status: number,
  headers: ResponseHeaders,
  bodyText: string,
): ProxyError {
  const { code, delivered, says, otherwise = '' } = meaningOf(status);
  const answered = status < 500 && !ABOUT_THE_SERVER.has(status);
  const words = answered ? wordsIn(bodyText) : '';
  const retryAfterMs = retryAfter(headerOf(headers, 'retry-after'));
  const wait =
    retryAfterMs === undefined ? '' : ` It asks to wait ${Math.ceil(retryAfterMs / 1000)} seconds.`;
  return new ProxyError(code, {
    message: `"${server}" ${says}${words === '' ? `${otherwise}.` : `. It says: ${words}`}${wait}`,
    server,
    delivered,
    answered,
    ...(retryAfterMs !== undefined && { retryAfterMs }),
    cause: new HttpStatusError(status, bodyText, headerOf(headers, 'www-authenticate')?.slice(0, 4096)),
  });
}

interface Meaning {
  readonly code: ErrorCode;
  readonly delivered: Delivered;
  readonly says: string;
  /** The words in place of a reason that the server itself does not give. */
  readonly otherwise?: string;
}

/** Statuses below 500 that hold for every request, and not for the one that they answer. */
const ABOUT_THE_SERVER: ReadonlySet<number> = new Set([401, 407, 408, 425, 429]);

const MAX_WORDS = 1000;
/** Members that hold the sentence of an error in JSON, at any depth. */
const SENTENCES = ['message', 'detail', 'error_description', 'title', 'reason', 'error', 'errors'];

/** The server's own reason, on one line; empty where a page, data or nothing stands in its place. */
function wordsIn(body: string): string {
  const text = body.trim();
  if (text === '' || text.startsWith('<')) return '';
  const line = (/^[[{"]/.test(text) ? sentenceInJson(text) : text).replace(/[\p{C}\s]+/gu, ' ').trim();
  return line.length > MAX_WORDS ? `${line.slice(0, MAX_WORDS)}…` : line;
}

function sentenceInJson(text: string): string {
  try {
    return sentenceIn(JSON.parse(text), 3) ?? '';
  } catch {
    // It was cut.
    return '';
  }
}

function sentenceIn(value: unknown, depth: number): string | undefined {
  if (typeof value === 'string') return value === '' ? undefined : value;
  if (depth === 0 || typeof value !== 'object' || value === null) return undefined;
  if (Array.isArray(value)) return sentenceIn(value[0], depth - 1);
  const members = new Map<string, unknown>(Object.entries(value));
  for (const name of SENTENCES) {
    const found = sentenceIn(members.get(name), depth - 1);
    if (found !== undefined) return found;
  }
  return undefined;
}

function meaningOf(status: number): Meaning {
  switch (status) {
    case 401:
      return { code: 'LOGIN_REQUIRED', delivered: false, says: 'wants a login (HTTP 401)' };
    case 403:
      return {
        code: 'DOWNSTREAM_FAILED',
        delivered: false,
        says: 'refused the request (HTTP 403)',
        otherwise: ': these credentials do not allow it',
      };
    case 407:
      return {
        code: 'DOWNSTREAM_UNAVAILABLE',
        delivered: false,
        says: 'could not be reached: the HTTP proxy on the way wants a login (HTTP 407)',
      };
    case 413:
      return {
        code: 'DOWNSTREAM_FAILED',
        delivered: false,
        says: 'refused the request: it is too large for that server (HTTP 413)',
      };
    case 429:
      return {
        code: 'RATE_LIMITED',
        delivered: false,
        says: 'takes no more requests for now (HTTP 429)',
      };
    case 503:
      return {
        code: 'DOWNSTREAM_UNAVAILABLE',
        delivered: false,
        says: 'is not available for now (HTTP 503)',
      };
  }
  return {
    code: 'DOWNSTREAM_FAILED',
    delivered: status >= 500 ? 'unknown' : true,
    says: `answered HTTP ${status}`,
  };
}

/** A date as HTTP writes it, or ISO 8601: `Date.parse` alone makes a day in May of `-5`. */
const DATE = /^(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,? |\d{4}-\d\d-\d\dT)/i;

/** @param value of the field `Retry-After`, in either form. @returns milliseconds from now, a day at most. */
export function retryAfter(value: string | undefined, now = Date.now()): number | undefined {
  if (value === undefined) return undefined;
  const text = value.trim();
  const ms = /^\d{1,10}$/.test(text) ? Number(text) * 1000 : DATE.test(text) ? Date.parse(text) - now : NaN;
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(ms, 0), 86_400_000);
}
