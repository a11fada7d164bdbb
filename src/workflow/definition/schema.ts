/**
 * The shape of a written definition, key by key.
 *
 * Relations between the parts (references, names, cycles) are checked in `check-definition.ts`.
 */
import * as z from 'zod';
import { parseDuration } from '../duration.ts';

const duration = z
  .union([z.string(), z.number()])
  .refine((value) => parseDuration(value) !== undefined, { message: 'DURATION' });
const count = z.int().min(1);
const object = z.record(z.string(), z.unknown());

/** `attempts`: in all, the first included. `unsafe`: repeat a tool's own error though the tool is not safe to repeat. */
const retry = z.strictObject({
  attempts: count.max(100).optional(),
  delay: duration.optional(),
  factor: z.number().min(1).max(100).optional(),
  max_delay: duration.optional(),
  on: z.array(z.string()).optional(),
  unsafe: z.boolean().optional(),
});

const onResume = z.enum(['auto', 'retry', 'verify', 'ask', 'skip', 'fail']);
const verify = z.strictObject({ tool: z.string(), with: object.optional(), done: z.string() });

const approve = z.strictObject({
  message: z.string(),
  timeout: duration.optional(),
  on_timeout: z.enum(['reject', 'fail']).optional(),
  by: z.enum(['person', 'caller']).optional(),
  /** A form: a flat JSON Schema object, as MCP elicitation has it. */
  schema: object.optional(),
});

const sample = z.strictObject({
  prompt: z.string().optional(),
  messages: z.array(z.unknown()).optional(),
  system: z.string().optional(),
  max_tokens: count.optional(),
  schema: object.optional(),
});

const undo = z.strictObject({
  tool: z.string(),
  with: object.optional(),
  timeout: duration.optional(),
  retry: retry.optional(),
  on_resume: onResume.optional(),
  verify: verify.optional(),
});

const step = z.strictObject({
  id: z.string(),
  description: z.string().optional(),
  tool: z.string().optional(),
  approve: approve.optional(),
  workflow: z.string().optional(),
  sample: sample.optional(),
  set: object.optional(),
  wait: z.union([duration, z.strictObject({ until: z.string() })]).optional(),
  with: object.optional(),
  after: z.array(z.string()).optional(),
  when: z.string().optional(),
  foreach: z.string().optional(),
  concurrency: count.max(1000).optional(),
  on_item_error: z.enum(['fail', 'collect', 'skip']).optional(),
  timeout: duration.optional(),
  retry: retry.optional(),
  unsafe: z.boolean().optional(),
  fallback: z
    .strictObject({ value: z.unknown().optional(), tool: z.string().optional(), with: object.optional() })
    .optional(),
  undo: undo.optional(),
  on_resume: onResume.optional(),
  verify: verify.optional(),
});

export const definitionSchema = z.strictObject({
  name: z.string().optional(),
  description: z.string().optional(),
  input: object.optional(),
  timeout: duration.optional(),
  concurrency: count.max(1000).optional(),
  on_error: z.enum(['stop', 'continue', 'rollback']).optional(),
  steps: z.array(step).min(1),
  output: z.unknown().optional(),
});

export type WrittenDefinition = z.infer<typeof definitionSchema>;
export type WrittenStep = z.infer<typeof step>;
export type WrittenRetry = z.infer<typeof retry>;
export type WrittenVerify = z.infer<typeof verify>;
export type OnResume = z.infer<typeof onResume>;

export const KINDS = ['tool', 'approve', 'workflow', 'sample', 'set', 'wait'] as const;
export type StepKind = (typeof KINDS)[number];

const KEYS: Readonly<Record<string, readonly string[]>> = {
  definition: Object.keys(definitionSchema.shape),
  step: Object.keys(step.shape),
  retry: Object.keys(retry.shape),
  approve: Object.keys(approve.shape),
  sample: Object.keys(sample.shape),
  undo: Object.keys(undo.shape),
  verify: Object.keys(verify.shape),
  fallback: ['value', 'tool', 'with'],
  wait: ['until'],
};

/** The keys that may stand at a place of a definition. */
export function keysAt(path: readonly PropertyKey[]): readonly string[] {
  if (path.length === 0) return KEYS['definition'] ?? [];
  if (path.length === 2 && path[0] === 'steps') return KEYS['step'] ?? [];
  return KEYS[String(path.at(-1))] ?? [];
}

/** Keys of other workflow languages, and ours for the same thing. */
export const OTHER_KEYS: ReadonlyMap<string, string> = new Map([
  ['args', 'with'],
  ['arguments', 'with'],
  ['params', 'with'],
  ['parameters', 'with'],
  ['inputs', 'input'],
  ['inputSchema', 'input'],
  ['input_schema', 'input'],
  ['outputs', 'output'],
  ['result', 'output'],
  ['if', 'when'],
  ['condition', 'when'],
  ['needs', 'after'],
  ['depends_on', 'after'],
  ['dependsOn', 'after'],
  ['for_each', 'foreach'],
  ['forEach', 'foreach'],
  ['loop', 'foreach'],
  ['items', 'foreach'],
  ['name', 'id'],
  ['uses', 'tool'],
  ['call', 'tool'],
  ['action', 'tool'],
  ['parallel', 'concurrency'],
  ['max_parallel', 'concurrency'],
  ['on_failure', 'on_error'],
  ['onError', 'on_error'],
  ['rollback', 'undo'],
  ['compensate', 'undo'],
  ['retries', 'retry'],
  ['max_attempts', 'attempts'],
  ['maxAttempts', 'attempts'],
  ['backoff', 'factor'],
  ['sleep', 'wait'],
  ['delay', 'wait'],
  ['approval', 'approve'],
  ['default', 'value'],
  ['maxTokens', 'max_tokens'],
  ['text', 'message'],
  ['prompt', 'message'],
]);
