/**
 * A span for every call on a server, where the process that we run in has set up OpenTelemetry.
 *
 * Without that the client's own trace context passes in `_meta` as it came.
 */
import {
  type Context,
  context,
  propagation,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';
import { Answer } from '../core/answer.ts';
import type { Call, Handler, Middleware } from '../core/call.ts';
import { callWith } from '../core/call-with.ts';
import { messageOf } from '../core/errors.ts';
import { isObject, type Json } from '../json/json.ts';
import { editObject, memberText } from '../json/edit.ts';

export interface TraceOptions {
  readonly server: string;
  readonly version: string;
}

export function traced({ server, version }: TraceOptions): Middleware {
  const tracer = trace.getTracer('mcp-switchyard', version);
  return (next) => (call) => {
    const parent = propagation.extract(context.active(), carrierOf(call));
    const options = {
      kind: SpanKind.CLIENT,
      attributes: { 'mcp.method.name': call.method, 'mcp.server': server },
    };
    const span = tracer.startSpan(
      call.method === 'tools/call' ? `tools/call ${call.name}` : call.method,
      options,
      parent,
    );
    if (!span.isRecording()) return next(call);
    return Answer.from(recorded(span, trace.setSpan(parent, span), call, next));
  };
}

async function recorded(span: Span, inside: Context, call: Call, next: Handler): Promise<Json> {
  try {
    const result = await context.with(inside, () => next(carrying(call, inside)));
    if (result.at('isError') === true) span.setStatus({ code: SpanStatusCode.ERROR });
    return result;
  } catch (error) {
    span.setStatus({ code: SpanStatusCode.ERROR, message: messageOf(error) });
    throw error;
  } finally {
    span.end();
  }
}

/** The trace context's keys stand in `_meta` as they would in a header. */
function carrierOf({ params }: Call): Record<string, string> {
  const meta = params.at('_meta');
  if (!isObject(meta)) return NOTHING;
  const texts = Object.entries(meta).filter(
    (entry): entry is [string, string] => typeof entry[1] === 'string',
  );
  return Object.fromEntries(texts);
}

const NOTHING: Record<string, string> = {};

function carrying(call: Call, inside: Context): Call {
  const carrier: Record<string, string> = {};
  propagation.inject(inside, carrier);
  const edits = Object.fromEntries(
    Object.entries(carrier).map(([key, value]) => [key, JSON.stringify(value)]),
  );
  const params = call.params.edit((text) =>
    editObject(text, { _meta: editObject(memberText(text, '_meta') ?? '{}', edits) }),
  );
  return callWith(call, { params });
}
