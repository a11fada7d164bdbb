/** The steps of a run as clients see them. */
import { printExact } from '../../json/exact-json.ts';
import type { JsonObject } from '../../json/json.ts';
import type { Flow } from './flow.ts';
import type { StepState } from './step-state.ts';

export function stepViews(flow: Flow): JsonObject {
  return Object.fromEntries(
    flow.program.steps.map(({ id }, index) => {
      const inner = flow.inner.get(index);
      return [
        id,
        { ...stepView(flow.states[index] as StepState), ...(inner && { steps: stepViews(inner) }) },
      ];
    }),
  );
}

function stepView({
  status,
  result,
  startedAt,
  finishedAt,
  attempts,
  items,
  undoErrors,
}: StepState): JsonObject {
  const { output, error, reason, errors } = result ?? {};
  return {
    status,
    attempts: result?.attempts ?? attempts,
    ...(startedAt !== undefined &&
      finishedAt === undefined && { started_at: new Date(startedAt).toISOString() }),
    ...(startedAt !== undefined &&
      finishedAt !== undefined && { duration_ms: Math.round(finishedAt - startedAt) }),
    ...(items && { items }),
    ...(output !== undefined && { output }),
    ...(reason !== undefined && { reason }),
    ...(undoErrors.length > 0 && { reason: undoErrors.join('; ') }),
    ...(error && { error: { code: error.code, message: error.message } }),
    ...(errors && errors.length > 0 && { errors: errors.slice(0, 100) }),
  };
}

/** A larger output is cut, unless the reader asks for its step. */
const SHOWN_BYTES = 16 * 1024;

export function withoutLarge(steps: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(steps).map(([id, view]) => {
      const {
        output,
        steps: inner,
        ...rest
      } = view as { readonly output?: unknown; readonly steps?: JsonObject };
      const small = output === undefined ? {} : { output: shown(output) };
      return [id, { ...rest, ...small, ...(inner && { steps: withoutLarge(inner) }) }];
    }),
  );
}

function shown(output: unknown): unknown {
  const text = printExact(output) ?? 'null';
  if (text.length <= SHOWN_BYTES) return output;
  return { $large: { bytes: Buffer.byteLength(text), preview: text.slice(0, 500) } };
}
