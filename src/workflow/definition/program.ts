/** A checked definition, ready to run: expressions compiled, durations in milliseconds, dependencies found. */
import type { Expression } from '../../expression/compile.ts';
import type { Template } from '../../expression/template.ts';
import type { JsonObject } from '../../json/json.ts';
import type { OnResume, StepKind, WrittenDefinition } from './schema.ts';

export interface Program {
  readonly name: string;
  readonly written: WrittenDefinition;
  readonly input: JsonObject | undefined;
  readonly timeoutMs: number | undefined;
  readonly concurrency: number;
  readonly onError: 'stop' | 'continue' | 'rollback';
  readonly steps: readonly Step[];
  readonly output: Template | undefined;
}

export interface Step {
  readonly index: number;
  readonly id: string;
  readonly kind: StepKind;
  /** The steps that must be settled before this one starts. */
  readonly needs: readonly Need[];
  readonly when: Expression | undefined;
  /** `when` looks at `item` or `index`, so it is evaluated for each item. */
  readonly whenPerItem: boolean;
  readonly foreach: Expression | undefined;
  readonly concurrency: number;
  readonly onItemError: 'fail' | 'collect' | 'skip';
  readonly work: Work;
  /** Only tools, samples and workflows have a fallback. */
  readonly fallback: Fallback | undefined;
  readonly undo: Invocation | undefined;
}

export interface Need {
  readonly id: string;
  /** The step's text refers to the other step; otherwise the other only has to come first. */
  readonly data: boolean;
  /** The text looks at the other's status or error, or tests for its output: the step runs whatever became of the other. */
  readonly looks: boolean;
  /** The text looks at the other's output. */
  readonly output: boolean;
}

export type Work =
  | Invocation
  | {
      readonly kind: 'workflow';
      readonly name: string;
      readonly with: Template;
      readonly timeoutMs: number | undefined;
      readonly retry: Retry;
    }
  | {
      readonly kind: 'sample';
      readonly params: Template;
      readonly schema: JsonObject | undefined;
      readonly timeoutMs: number | undefined;
      readonly retry: Retry;
    }
  | {
      readonly kind: 'approve';
      readonly message: Template;
      readonly timeoutMs: number | undefined;
      readonly onTimeout: 'reject' | 'fail';
      readonly by: 'person' | 'caller';
      readonly schema: JsonObject | undefined;
    }
  | { readonly kind: 'set'; readonly values: Template }
  | { readonly kind: 'wait'; readonly ms: number | undefined; readonly until: Template | undefined };

/** One call of a tool, with its retries and the rules for an unknown outcome. */
export interface Invocation {
  readonly kind: 'tool';
  readonly tool: string;
  readonly with: Template;
  readonly timeoutMs: number | undefined;
  readonly retry: Retry;
  readonly onResume: OnResume;
  readonly verify: Verify | undefined;
}

export interface Verify {
  readonly tool: string;
  readonly with: Template;
  readonly done: Expression;
}

export type Fallback = { readonly value: Template } | { readonly invocation: Invocation };

export interface Retry {
  /** Attempts in all, the first included. */
  readonly attempts: number;
  readonly delayMs: number;
  readonly factor: number;
  readonly maxDelayMs: number;
  readonly on: ReadonlySet<string>;
  readonly unsafe: boolean;
}
