/** Results and errors in the form that each era's clients expect. Errors are translated for clients only here. */
import type { Call } from '../core/call.ts';
import {
  INTERNAL_ERROR,
  INVALID_PARAMS,
  METHOD_NOT_FOUND,
  MISSING_CLIENT_CAPABILITY,
  ProxyError,
  RESOURCE_NOT_FOUND,
  RpcError,
} from '../core/errors.ts';
import { at, isObject, Json, type JsonObject } from '../json/json.ts';
import { editObject } from '../json/edit.ts';
import { covers } from '../protocol/client-capabilities.ts';
import { encodeErrorText, type IdText, resultText } from '../protocol/message.ts';

export interface ClientAnswer {
  readonly text: string;
  readonly status: number;
}

const MODERN_ONLY = { resultType: undefined, ttlMs: undefined, cacheScope: undefined };

/** A result for a legacy client: without modern fields, and with no structured content but objects. */
export function legacyResult(result: Json): Json {
  if (result.at('resultType') === undefined) return result;
  const structured = at(result.brief, 'structuredContent');
  if (structured === undefined || isObject(structured))
    return result.edit((text) => editObject(text, MODERN_ONLY));
  const text = result.textAt('structuredContent') ?? '';
  const content = at(result.brief, 'content');
  const hasContent = Array.isArray(content) && content.length > 0;
  const edits = {
    ...MODERN_ONLY,
    structuredContent: undefined,
    ...(!hasContent && { content: JSON.stringify([{ type: 'text', text }]) }),
  };
  return result.edit((whole) => editObject(whole, edits));
}

/** A result for a modern client: with the required type, and cache hints where the method requires them. */
export function modernResult(method: string, result: Json): Json {
  const resultType = result.at('resultType');
  const type = resultType === undefined ? '"resultType":"complete",' : '';
  const needsHints = method === 'resources/read' && resultType !== 'input_required';
  const ttl = needsHints && result.at('ttlMs') === undefined ? '"ttlMs":0,' : '';
  const scope = needsHints && result.at('cacheScope') === undefined ? '"cacheScope":"private",' : '';
  const head = type + ttl + scope;
  if (head === '') return result;
  return result.edit((text) => {
    const start = text.search(/\S/);
    // A server's result that is no object has no members.
    if (text.charAt(start) !== '{') return text;
    const rest = text.slice(start + 1);
    return `{${rest.trimStart().startsWith('}') ? head.slice(0, -1) : head}${rest}`;
  });
}

export function legacyError(id: IdText, call: Pick<Call, 'method'>, error: unknown): string {
  if (error instanceof RpcError) return encodeErrorText(id, error.json);
  return failure(id, call.method, asProxyError(error), '');
}

/** The error with the HTTP status that the modern transport gives it. */
export function modernError(
  id: IdText,
  call: { readonly method: string; readonly capabilities: JsonObject },
  error: unknown,
): ClientAnswer {
  if (error instanceof RpcError) {
    // The modern era has no code of its own for this.
    const json =
      error.code === RESOURCE_NOT_FOUND
        ? Json.fromText(editObject(error.json.text, { code: String(INVALID_PARAMS) }))
        : error.json;
    return { text: encodeErrorText(id, json), status: error.code === METHOD_NOT_FOUND ? 404 : 200 };
  }
  const ours = asProxyError(error);
  if (ours.code === 'CLIENT_CANNOT' && ours.needs && !covers(call.capabilities, ours.needs)) {
    const missing = RpcError.of(MISSING_CLIENT_CAPABILITY, ours.message, {
      requiredCapabilities: ours.needs,
    });
    return { text: encodeErrorText(id, missing.json), status: 400 };
  }
  return { text: failure(id, call.method, ours, '"resultType":"complete",'), status: 200 };
}

function failure(id: IdText, method: string, error: ProxyError, head: string): string {
  if (method !== 'tools/call')
    return encodeErrorText(id, RpcError.of(INTERNAL_ERROR, error.message, error.data).json);
  const content = JSON.stringify([{ type: 'text', text: error.message }]);
  const meta = JSON.stringify({ 'switchyard/error': error.data });
  return resultText(id, Json.fromText(`{${head}"content":${content},"isError":true,"_meta":${meta}}`));
}

function asProxyError(error: unknown): ProxyError {
  if (error instanceof ProxyError) return error;
  // A mistake of ours: details go to the log, not to the client.
  return new ProxyError('INTERNAL', {
    message: 'Switchyard itself failed at this call, which is no fault of a server: its log says why.',
    delivered: 'unknown',
    cause: error,
  });
}
