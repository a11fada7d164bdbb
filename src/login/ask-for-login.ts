/**
 * A call to a server that needs a login: its client is shown where to log in, and the call goes on once that is done.
 *
 * Legacy clients are asked while they wait, modern ones by an answer that they come back from. Who cannot be asked
 * hears which command to run.
 */
import { randomUUID } from 'node:crypto';
import { Answer, answerOf } from '../core/answer.ts';
import type { Call, Handler, Middleware, Question } from '../core/call.ts';
import { Cancellation } from '../core/cancellation.ts';
import { ProxyError } from '../core/errors.ts';
import { Json, stringAt } from '../json/json.ts';
import { editObject } from '../json/edit.ts';
import type { Logger } from '../core/logger.ts';
import { covers } from '../protocol/client-capabilities.ts';
import type { Credentials } from './credentials.ts';

export interface AskForLoginOptions {
  readonly server: string;
  readonly credentials: Credentials;
  /** Tells a legacy client that what it was asked to see to is done. */
  readonly completed: (clientId: string, params: Json) => void;
  readonly log: Logger;
}

/** Marks the retry of a call that was answered with where to log in; sealed on its way through the client. */
const STATE = 'switchyard/login';
/** Modern clients may be asked only in answer to these. */
const ASKABLE: ReadonlySet<string> = new Set(['tools/call', 'prompts/get', 'resources/read']);

export function askForLogin(options: AskForLoginOptions): Middleware {
  const { server, credentials, log } = options;
  /** The call that has asked each client, with the client's answer, until the login is done. */
  const asked = new Map<string, { readonly by: Call; readonly answer: Promise<Json | undefined> }>();
  return (next) => (call) =>
    call.params.stringAt('requestState') === STATE
      ? Answer.from(comeBack(call).then(next))
      : answerOf(next, call).on(undefined, (error) => {
          if (!isLoginRequired(error) || !canBeShown(call)) throw error;
          return show(call, error, next);
        });

  async function show(call: Call, error: ProxyError, next: Handler): Promise<Json> {
    const { url } = await begin(error);
    const message = `${server} needs you to log in. The call goes on when you have.`;
    if (call.client.era === 'modern') return inputRequired(`[${server}] ${message}`, url);
    await ask(call, `[${server}] ${message}`, url, error);
    return next(call);
  }

  async function begin(error: ProxyError) {
    try {
      return await credentials.begin();
    } catch (cause) {
      log.warn({ server, why: cause instanceof Error ? cause.message : '' }, 'a login could not be begun');
      throw error;
    }
  }

  /** A legacy client waits with the call; when it was shown where to log in, we do. */
  async function ask(call: Call, message: string, url: URL, error: ProxyError): Promise<void> {
    const waiting = waitFor(call, error);
    const elicitationId = randomUUID();
    const question: Question = {
      method: 'elicitation/create',
      params: Json.of({ mode: 'url', message, url: url.href, elicitationId }),
      server,
      signal: waiting.signal,
    };
    try {
      const answer = await Promise.race([waiting.done, answerTo(question, call)]);
      if (answer && stringAt(answer.value, 'action') !== 'accept') throw error;
      await waiting.done;
      if (asked.get(call.client.id)?.by === call)
        options.completed(call.client.id, Json.of({ elicitationId }));
    } finally {
      if (asked.get(call.client.id)?.by === call) asked.delete(call.client.id);
      waiting.stop();
    }
  }

  /** Several calls of one client share the question of the first. */
  async function answerTo(question: Question, call: Call): Promise<Json | undefined> {
    const { id } = call.client;
    for (let open = asked.get(id); open; open = asked.get(id)) {
      try {
        return await open.answer;
      } catch {
        // That call was given up: the next one asks.
        if (asked.get(id) === open) asked.delete(id);
        if (question.signal.cancelled || !credentials.waits) return undefined;
      }
    }
    const answer = call.ask?.(question) ?? Promise.resolve(undefined);
    asked.set(id, { by: call, answer });
    return answer;
  }

  /** A modern client has shown it and calls again: the answer tells whether the person agreed, not that it is done. */
  async function comeBack(call: Call): Promise<Call> {
    const action = call.params.at('inputResponses', 'login', 'action');
    const params = call.params.edit((text) =>
      editObject(text, { inputResponses: undefined, requestState: undefined }),
    );
    const required = new ProxyError('LOGIN_REQUIRED', {
      message: `"${server}" needs a login. Run: ${credentials.command}`,
      server,
      delivered: false,
    });
    if (action !== 'accept') throw required;
    if (credentials.waits) {
      const waiting = waitFor(call, required);
      try {
        await waiting.done;
      } finally {
        waiting.stop();
      }
    }
    return { ...call, params };
  }

  /** Until somebody has logged in, the attempt has failed, or the client has given up. */
  function waitFor(call: Call, error: ProxyError) {
    const signal = new Cancellation();
    let stop = (): void => {};
    const done = new Promise<void>((resolve, reject) => {
      const offLogin = credentials.whenLoggedIn(resolve);
      const offCall = call.signal.onCancel((reason) => {
        signal.cancel(reason);
        reject(
          new ProxyError('CANCELLED', {
            message: `The call was cancelled: ${reason}.`,
            server,
            delivered: false,
          }),
        );
      });
      const { attempt } = credentials;
      if (!attempt) reject(error);
      else void attempt.then(({ done: loggedIn }) => loggedIn).catch(() => reject(error));
      stop = () => {
        offLogin();
        offCall();
        signal.cancel('the login is settled');
      };
    });
    done.catch(() => {
      // Heard by whoever waits at the time.
    });
    return { done, signal, stop: () => stop() };
  }
}

function canBeShown({ client, ask, method }: Call): boolean {
  if (!covers(client.capabilities, { elicitation: { url: {} } })) return false;
  return client.era === 'modern' ? ASKABLE.has(method) : ask !== undefined;
}

function isLoginRequired(error: unknown): error is ProxyError {
  return error instanceof ProxyError && error.code === 'LOGIN_REQUIRED';
}

function inputRequired(message: string, url: URL): Json {
  const params = { mode: 'url', message, url: url.href };
  return Json.of({
    resultType: 'input_required',
    inputRequests: { login: { method: 'elicitation/create', params } },
    requestState: STATE,
  });
}
