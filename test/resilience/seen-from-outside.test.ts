import { Answer } from '../../src/core/answer.ts';
import { context, propagation, type Span, SpanKind, trace, type Tracer } from '@opentelemetry/api';
import { afterEach, describe, expect, test } from 'vitest';
import { at, Json } from '../../src/json/json.ts';
import { traced } from '../../src/middleware/trace.ts';
import { answer, callOf } from '../harness/builders.ts';
import { proxyWith, server } from './proxy-in-process.ts';

describe('/metrics', () => {
  test('tells of calls, errors, circuits, queues, retries, caches and processes', async () => {
    const proxy = await proxyWith((folder) => ({
      mcpServers: {
        a: {
          ...server('a', folder),
          circuitBreaker: { failureThreshold: 2 },
          retry: { attempts: 2, delayMs: 1 },
          cache: { tools: ['who'] },
          tools: {
            safeToRepeat: ['read'],
            override: { slow: { timeoutMs: 40 }, write: { timeoutMs: 1000 } },
          },
        },
        b: server('b', folder),
      },
      pools: { p: { members: ['a', 'b'] } },
    }));
    await proxy.ready('a', 'b');
    await proxy.call('p__who');
    await proxy.call('p__who');
    await proxy.call('p__write', { fault: 'isError' });
    await proxy.outcome('p__slow', { fault: 'hang' });
    await proxy.outcome('p__write', { fault: 'hang' });
    expect(await proxy.who('p__read')).toBe('b');
    const text = await proxy.metrics();
    for (const line of [
      'switchyard_call_duration_seconds_count{server="a",tool="who"} 1',
      'switchyard_errors_total{server="a",code="TIMEOUT"} 2',
      'switchyard_tool_errors_total{server="a"} 1',
      'switchyard_cache_total{server="a",result="hit"} 1',
      'switchyard_breaker_state{server="a",state="open"} 1',
      'switchyard_breaker_state{server="b",state="closed"} 1',
      'switchyard_server_state{server="b",state="ready"} 1',
      'switchyard_calls_running{server="a"} 0',
      'switchyard_calls_waiting{server="a"} 0',
      'switchyard_restarts_total{server="a"} 0',
      'switchyard_processes 2',
    ])
      expect(text).toContain(line);
  });

  test('tells of retries and failovers', async () => {
    const more = { retry: { attempts: 3, delayMs: 1 }, tools: { safeToRepeat: ['read'] } };
    const proxy = await proxyWith((folder) => ({
      mcpServers: {
        a: { ...server('a', folder), ...more },
        b: { ...server('b', folder), ...more },
        c: { ...server('c', folder), ...more, restart: { delayMs: 10 } },
      },
      pools: { p: { members: ['a', 'b'] } },
    }));
    await proxy.ready('a', 'b', 'c');
    proxy.fault('a', 'crash');
    expect(await proxy.who('p__read')).toBe('b');
    await proxy.outcome('c__read', { fault: 'crash' });
    const text = await proxy.metrics();
    expect(text).toContain('switchyard_failovers_total{server="a"} 1');
    expect(text).toContain('switchyard_retries_total{server="c"} 2');
  });

  test('a method that a client makes up is no label', async () => {
    const proxy = await proxyWith((folder) => ({ mcpServers: { a: server('a', folder) } }));
    await proxy.call('read');
    for (let i = 0; i < 3; i++) await proxy.request(`made/up${i}`, '', {}).catch(() => {});
    expect(await proxy.metrics()).not.toContain('made');
  });
});

describe('the trace context', () => {
  afterEach(() => {
    trace.disable();
    propagation.disable();
    context.disable();
  });

  const META = { traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' };
  const params = Json.of({ name: 't', _meta: META });

  test('passes as it came where nobody records', async () => {
    const handle = traced({ server: 'tavern', version: '1' })((call) =>
      Answer.of(answer({ got: call.params.value })),
    );
    const { value } = await handle(callOf('t', { params }));
    expect(at(value, 'got', '_meta')).toEqual(META);
  });

  test('goes on from a span for each call, which tells how it ended', async () => {
    const spans: { name: string; parent: unknown; status: unknown; ended: boolean; kind: unknown }[] = [];
    const tracer = {
      startSpan(name: string, options: { kind: SpanKind }, parent: Parameters<Tracer['startSpan']>[2]) {
        const span = {
          name,
          parent: parent && trace.getSpanContext(parent)?.traceId,
          status: undefined as unknown,
          ended: false,
          kind: options.kind,
        };
        spans.push(span);
        return {
          isRecording: () => true,
          setStatus: (status: unknown) => (span.status = status),
          end: () => (span.ended = true),
          spanContext: () => ({
            traceId: '0af7651916cd43dd8448eb211c80319c',
            spanId: '1111111111111111',
            traceFlags: 1,
          }),
        } as unknown as Span;
      },
    } as unknown as Tracer;
    trace.setGlobalTracerProvider({ getTracer: () => tracer });
    propagation.setGlobalPropagator({
      fields: () => ['traceparent'],
      extract: (into, carrier) =>
        trace.setSpanContext(into, {
          traceId: String((carrier as typeof META).traceparent).split('-')[1] as string,
          spanId: 'b7ad6b7169203331',
          traceFlags: 1,
        }),
      inject: (from, carrier) => {
        const { traceId, spanId } = trace.getSpanContext(from) ?? { traceId: '', spanId: '' };
        (carrier as Record<string, string>)['traceparent'] = `00-${traceId}-${spanId}-01`;
      },
    });
    const handle = traced({ server: 'tavern', version: '1' })((call) =>
      Answer.of(answer({ got: call.params.value, isError: true })),
    );
    const { value } = await handle(callOf('t', { params }));
    expect(at(value, 'got', '_meta', 'traceparent')).toBe(
      '00-0af7651916cd43dd8448eb211c80319c-1111111111111111-01',
    );
    expect(spans).toEqual([
      {
        name: 'tools/call t',
        parent: '0af7651916cd43dd8448eb211c80319c',
        status: { code: 2 },
        ended: true,
        kind: SpanKind.CLIENT,
      },
    ]);
  });
});
