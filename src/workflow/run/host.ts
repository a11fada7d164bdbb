/** The services around the interpreter; none of them decides what a run does next. */
import type { Cancellation } from '../../core/cancellation.ts';
import type { JsonObject } from '../../json/json.ts';
import type { Program } from '../definition/program.ts';
import type { Outcome } from './port.ts';

export interface Host {
  callTool(call: ToolCall): Promise<Outcome>;
  sample(sample: Sample): Promise<Outcome>;
  /** The answer is as it was when the run began. */
  safeToRepeat(tool: string): boolean;
  /** A saved workflow, as it was when the run began. */
  program(name: string): Program;
  /** Checks an input, and fills in its defaults. @throws InvalidInput */
  checkInput(schema: JsonObject | undefined, input: unknown): unknown;
  asked(question: OpenQuestion): void;
  answered(key: string): void;
}

export interface ToolCall {
  readonly tool: string;
  readonly arguments: unknown;
  readonly timeoutMs: number | undefined;
  readonly signal: Cancellation;
}

export interface Sample {
  readonly params: unknown;
  readonly schema: JsonObject | undefined;
  readonly timeoutMs: number | undefined;
  readonly signal: Cancellation;
}

/** A question to a person, or, where the step allows it, to the caller. */
export interface OpenQuestion {
  /** The signal that the answer becomes. */
  readonly key: string;
  readonly step: string;
  readonly kind: 'approval' | 'in_doubt';
  readonly question: string;
  readonly options: readonly string[];
  readonly by: 'person' | 'caller';
  readonly schema?: JsonObject | undefined;
}

export class InvalidInput extends Error {
  override readonly name = 'InvalidInput';
}
