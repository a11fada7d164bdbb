/**
 * A modern server asks by answering `input_required`; a legacy client expects to be asked while it waits.
 *
 * Puts the questions one by one to the client, then calls again with the answers, until the server is content.
 */
import { randomUUID } from 'node:crypto';
import { type Answer, rethrow, type AnswerStep } from '../core/answer.ts';
import type { Call } from '../core/call.ts';
import { Cancellation } from '../core/cancellation.ts';
import { ProxyError } from '../core/errors.ts';
import { at, isObject, Json, type JsonObject, stringAt } from '../json/json.ts';
import { editAt, editObject, textAt } from '../json/edit.ts';
import { clientCannot, labelled, put, refuseImproper } from './questions.ts';

/** After so many rounds the server is going in circles. */
const MAX_ROUNDS = 10;

export function inputRequiredLoop(call: Call, server: string, send: (call: Call) => Answer): Answer {
  return send(call).through(new Rounds(call, server, send));
}

class Rounds implements AnswerStep {
  readonly onError = rethrow;
  readonly #call: Call;
  readonly #server: string;
  readonly #send: (call: Call) => Answer;

  constructor(call: Call, server: string, send: (call: Call) => Answer) {
    this.#call = call;
    this.#server = server;
    this.#send = send;
  }

  onResult(result: Json): Json | Promise<Json> {
    if (result.at('resultType') !== 'input_required') return result;
    // A modern client answers its questions itself; it only has to be told who asks.
    if (this.#call.client.era === 'modern') return labelledRequests(result, this.#server);
    return inRounds(result, this.#call, this.#server, this.#send);
  }
}

async function inRounds(
  first: Json,
  call: Call,
  server: string,
  send: (call: Call) => Answer,
): Promise<Json> {
  let result = first;
  for (let round = 0; result.at('resultType') === 'input_required'; round++) {
    if (round === MAX_ROUNDS) throw endless(server);
    const requests = result.at('inputRequests');
    const state = result.stringAt('requestState');
    const answers = isObject(requests) ? await answersTo(result, requests, call, server) : undefined;
    const edits = {
      inputResponses: answers,
      requestState: state === undefined ? undefined : result.textAt('requestState'),
    };
    result = await send({ ...call, params: call.params.edit((text) => editObject(text, edits)) });
  }
  return result;
}

async function answersTo(result: Json, requests: JsonObject, call: Call, server: string): Promise<string> {
  const signal = new Cancellation();
  call.signal.link(signal);
  try {
    const answers = await Promise.all(
      Object.entries(requests).map(async ([key, request]) => {
        const method = stringAt(request, 'method') ?? '';
        if (!call.ask) throw clientCannot(method, server);
        const params = textAt(result.text, ['inputRequests', key, 'params']);
        const question = { method, params: legacyParams(Json.fromText(params ?? '{}')), server, signal };
        const answer = await put({ client: call.client, ask: call.ask }, question);
        return `${JSON.stringify(key)}:${answer.text}`;
      }),
    );
    return `{${answers.join(',')}}`;
  } catch (error) {
    signal.cancel('another question of the same round failed');
    throw error;
  } finally {
    call.signal.unlink(signal);
  }
}

/** A legacy client wants an id with every address to open, and refuses the question without. */
function legacyParams(params: Json): Json {
  if (params.at('mode') !== 'url' || params.at('elicitationId') !== undefined) return params;
  return Json.fromText(editObject(params.text, { elicitationId: JSON.stringify(randomUUID()) }));
}

function labelledRequests(result: Json, server: string): Json {
  const requests = result.at('inputRequests');
  if (!isObject(requests)) return result;
  let text = result.text;
  for (const [key, request] of Object.entries(requests)) {
    const method = stringAt(request, 'method') ?? '';
    refuseImproper(method, Json.of(at(request, 'params') ?? {}), server);
    text = editAt(
      text,
      ['inputRequests', key, 'params'],
      (params) => labelled(method, Json.fromText(params), server).text,
    );
  }
  return Json.fromText(text);
}

function endless(server: string): ProxyError {
  return new ProxyError('PROTOCOL_ERROR', {
    message: `"${server}" kept asking: more than ${MAX_ROUNDS} rounds of questions for one call.`,
    server,
    delivered: 'unknown',
  });
}
