/** The shapes that the workflow tools answer with, as JSON Schema. */
import type { JsonObject } from '../json/json.ts';

const step: JsonObject = {
  type: 'object',
  properties: {
    status: {
      type: 'string',
      enum: [
        'pending',
        'running',
        'waiting',
        'succeeded',
        'failed',
        'skipped',
        'in_doubt',
        'undone',
        'undo_failed',
        'cancelled',
      ],
    },
    attempts: { type: 'integer' },
    duration_ms: { type: 'number' },
    output: {},
    reason: { type: 'string' },
    error: { type: 'object', properties: { code: { type: 'string' }, message: { type: 'string' } } },
  },
  required: ['status'],
};

const run: Readonly<Record<string, JsonObject>> = {
  run_id: { type: 'string' },
  workflow: { type: 'string' },
  status: {
    type: 'string',
    enum: ['running', 'succeeded', 'failed', 'rolled_back', 'cancelled', 'needs_attention'],
  },
  output: {},
  error: {
    type: 'object',
    properties: { code: { type: 'string' }, step: { type: 'string' }, message: { type: 'string' } },
  },
  steps: { type: 'object', additionalProperties: step },
  attention: {
    type: 'array',
    items: {
      type: 'object',
      properties: {
        step: { type: 'string' },
        question: { type: 'string' },
        options: { type: 'array', items: { type: 'string' } },
        by: { type: 'string', enum: ['person', 'caller'] },
      },
      required: ['step', 'question', 'options'],
    },
  },
  next: { type: 'string' },
  started_at: { type: 'string' },
  finished_at: { type: 'string' },
};

const planned: Readonly<Record<string, JsonObject>> = {
  valid: { type: 'boolean' },
  plan: { type: 'object', additionalProperties: true },
  errors: {
    type: 'array',
    items: {
      type: 'object',
      properties: {
        path: { type: 'string' },
        message: { type: 'string' },
        expected: { type: 'string' },
        nearest: { type: 'string' },
        fix: { type: 'string' },
      },
      required: ['path', 'message'],
    },
  },
};

/** One run. */
export const RUN_SHAPE: JsonObject = {
  type: 'object',
  properties: run,
  required: ['run_id', 'workflow', 'status', 'started_at'],
};

/** One run, a plan, or the mistakes of a definition. */
export const RUN_OR_PLAN_SHAPE: JsonObject = { type: 'object', properties: { ...run, ...planned } };

const fact: JsonObject = {
  type: 'object',
  properties: { at: { type: 'string' }, kind: { type: 'string' }, key: { type: 'string' } },
  required: ['at', 'kind'],
};

/** One run, or a list of runs without their steps. */
export const RUNS_SHAPE: JsonObject = {
  type: 'object',
  properties: {
    ...run,
    record: { type: 'array', items: fact },
    runs: { type: 'array', items: RUN_SHAPE },
  },
};
