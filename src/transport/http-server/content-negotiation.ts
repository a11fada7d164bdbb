/** The content types that a request to `/mcp` must send and take. */
import type { RequestHeaders } from '../http1/request-reader.ts';
import type { Refusal } from './refusal.ts';

const JSON_TYPE = 'application/json';
const STREAM_TYPE = 'text/event-stream';
/** As the official clients spell it. */
const USUAL_ACCEPT = `${JSON_TYPE}, ${STREAM_TYPE}`;

/** A request without `Accept` takes anything (RFC 9110, 12.5.1). */
export function checkTypes(method: string, headers: RequestHeaders): Refusal | undefined {
  if (method === 'POST') return checkContent(headers) ?? checkPostAccept(headers['accept']);
  if (method === 'GET' && !accepts(headers['accept'], STREAM_TYPE))
    return notAcceptable(`A GET must accept ${STREAM_TYPE}.`);
  return undefined;
}

function checkPostAccept(accept: string | undefined): Refusal | undefined {
  if (accept === USUAL_ACCEPT) return undefined;
  if (accepts(accept, JSON_TYPE) && accepts(accept, STREAM_TYPE)) return undefined;
  return notAcceptable(`A POST must accept both ${JSON_TYPE} and ${STREAM_TYPE}.`);
}

function checkContent(headers: RequestHeaders): Refusal | undefined {
  const encoding = headers['content-encoding'];
  if (encoding !== undefined && encoding.toLowerCase() !== 'identity')
    return unsupported('Compressed bodies are not taken: send the JSON as it is.');
  const type = headers['content-type'];
  if (type === JSON_TYPE || isJsonInUtf8(type)) return undefined;
  return unsupported(`The body must be ${JSON_TYPE} in UTF-8.`);
}

function isJsonInUtf8(type: string | undefined): boolean {
  const [essence = '', ...parameters] = (type ?? '').toLowerCase().split(';');
  if (essence.trim() !== JSON_TYPE) return false;
  return parameters.every((parameter) => {
    const [name = '', value = ''] = parameter.split('=');
    return name.trim() !== 'charset' || /^\s*"?utf-?8"?\s*$/.test(value);
  });
}

function accepts(accept: string | undefined, type: string): boolean {
  if (accept === undefined) return true;
  return accept.split(',').some((range) => {
    const [name = '', ...parameters] = range.toLowerCase().split(';');
    return (
      covers(name.trim(), type) && !parameters.some((parameter) => /^\s*q\s*=\s*0(\.0*)?\s*$/.test(parameter))
    );
  });
}

function covers(range: string, type: string): boolean {
  return range === type || range === '*/*' || (range.endsWith('/*') && type.startsWith(range.slice(0, -1)));
}

function notAcceptable(message: string): Refusal {
  return { status: 406, message };
}

function unsupported(message: string): Refusal {
  return { status: 415, message };
}
