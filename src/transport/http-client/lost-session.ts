/** Answers by which a server says that it no longer knows the session, and those that only sound like it. */
import { METHOD_NOT_FOUND } from '../../core/errors.ts';
import type { Clock } from '../../core/clock.ts';
import { at } from '../../json/json.ts';
import { textOf } from '../../json/message-text.ts';
import type { Outgoing } from '../link.ts';
import { rpcErrorIn } from './response-body.ts';

const SPEAKS_OF_SESSION = /session|not initialized/i;
/** Within a result's own status the words are more likely a tool's: these are no tool's. */
const NOT_FOUND = /^[\w :]{0,30}\bsession (?:id )?not found\b|mcp-session-id/i;
/** What the reference implementations answer for a session that they do not know. */
const SESSION_NOT_FOUND = -32001;

/** Statuses that servers give for a lost session, beside 404. */
const OFTEN: ReadonlySet<number> = new Set([400, 410]);
const SELDOM: ReadonlySet<number> = new Set([403, 405, 409, 412, 422]);
/** Requests that are made again in the new session. Others would only open one session after the other. */
const MADE_AGAIN: ReadonlySet<string> = new Set(['tools/call', 'resources/read', 'prompts/get']);

/** Refusals that are remembered of one server. */
const MOST = 100;
const MOST_WORDS = 1000;
/** A new session is worth another try after this time. */
const REMEMBERED_MS = 60_000;

/**
 * Tells lost sessions of one server from refusals that a new session does not help against: a call that is refused
 * in a session opened for it is remembered with the words, and the same words to the same call are passed on.
 */
export class LostSession {
  readonly #clock: Clock;
  /** When each was refused although the session was new. */
  readonly #unhelped = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * 404 is what the specification asks for. Many servers that have been restarted answer otherwise, as text or as JSON
   * with any code; they have in common that they speak of the session.
   *
   * @param body what came with the status.
   */
  isMeant(status: number, body: string, outgoing: Outgoing): boolean {
    if (status === 404) {
      const answer = rpcErrorIn(body);
      const { id } = outgoing;
      return !(answer?.code === METHOD_NOT_FOUND && answer.id === id && id !== undefined);
    }
    return sounds(status, body, outgoing) && this.#mayHelp(status, body, outgoing);
  }

  /** The sending again was the first request of its session, so the session cannot be what it was refused for. */
  #mayHelp(status: number, body: string, outgoing: Outgoing): boolean {
    const words = rpcErrorIn(body)?.message ?? body;
    const key = `${status} ${targetOf(outgoing)} ${words.slice(0, MOST_WORDS)}`;
    const now = this.#clock.now();
    if (outgoing.again === true) {
      if (this.#unhelped.size >= MOST) this.#unhelped.clear();
      this.#unhelped.set(key, now);
      return false;
    }
    const since = this.#unhelped.get(key);
    return since === undefined || now - since > REMEMBERED_MS;
  }
}

function sounds(status: number, body: string, { method = '' }: Outgoing): boolean {
  if (OFTEN.has(status)) return SPEAKS_OF_SESSION.test(body);
  if (!MADE_AGAIN.has(method)) return false;
  if (SELDOM.has(status)) return SPEAKS_OF_SESSION.test(body);
  if (status !== 200) return false;
  const error = rpcErrorIn(body);
  if (!error) return false;
  return (
    NOT_FOUND.test(error.message) || (error.code === SESSION_NOT_FOUND && /session/i.test(error.message))
  );
}

/** What is called: the method, and the tool, prompt or resource. */
function targetOf({ method = '', text }: Outgoing): string {
  try {
    const params = at(JSON.parse(textOf(text)), 'params');
    return JSON.stringify([method, at(params, 'name') ?? at(params, 'uri')]).slice(0, MOST_WORDS);
  } catch {
    return method;
  }
}
