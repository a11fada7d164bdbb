/** A question as a form for MCP elicitation, and the answer that comes back. */
import { at, isObject, type JsonObject } from '../../json/json.ts';
import type { OpenQuestion } from '../run/host.ts';

/** An answer to a question; `by` names the one who decided. */
export interface FormAnswer extends JsonObject {
  readonly decision: string;
  readonly by: string;
}

export function formOf({ kind, options, schema }: OpenQuestion): JsonObject {
  if (kind === 'in_doubt')
    return {
      type: 'object',
      properties: { decision: { type: 'string', title: 'What now?', enum: options } },
      required: ['decision'],
    };
  const properties = isObject(schema?.['properties']) ? schema['properties'] : {};
  const required = Array.isArray(schema?.['required']) ? (schema['required'] as unknown[]) : [];
  return {
    type: 'object',
    properties: { confirm: { type: 'boolean', title: 'Approve', default: false }, ...properties },
    required: ['confirm', ...required],
  };
}

/** @returns `undefined` where the person has not decided. */
export function readForm({ kind, options }: OpenQuestion, result: unknown): FormAnswer | undefined {
  const given = at(result, 'content');
  const content = isObject(given) ? given : {};
  const action = at(result, 'action');
  if (kind === 'in_doubt') {
    const decision = content['decision'];
    return action === 'accept' && typeof decision === 'string' && options.includes(decision)
      ? { decision, by: 'person' }
      : undefined;
  }
  if (action === 'decline') return { decision: 'reject', by: 'person' };
  if (action !== 'accept') return undefined;
  const { confirm, ...rest } = content;
  return { decision: confirm === true ? 'approve' : 'reject', content: rest, by: 'person' };
}
