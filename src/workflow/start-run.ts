/** The start of a run: reads the workflow, checks the input, asks for consent, and begins. */
import type { Cancellation } from '../core/cancellation.ts';
import { printExact } from '../json/exact-json.ts';
import { checkInTime } from './definition/check-in-time.ts';
import { InvalidDefinition } from './definition/invalid-definition.ts';
import type { Program } from './definition/program.ts';
import type { Engine } from './engine/engine.ts';
import { waitForRun } from './engine/wait-for-run.ts';
import type { Limits } from './limits.ts';
import { toolsOf } from './plan/plan.ts';
import { formAsk } from './questions/askable.ts';
import { askConsent, type Consent } from './questions/consent.ts';
import type { RunPlan } from './run-plan.ts';
import { briefView, type RunView } from './run-view.ts';
import type { Library } from './saved/library.ts';
import type { ReadWorkflow } from './saved/read-workflow.ts';
import { seenAs, type Identities, OPERATOR, type Who } from './who.ts';

export interface RunRequest {
  /** A saved name, or a definition. */
  readonly workflow: unknown;
  readonly input: unknown;
  /** The caller waits until the run has ended or waits for somebody; otherwise only until the run is on record. */
  readonly wait: boolean;
  /** A client that cancels a call that waits cancels the run; a client that is gone leaves the run at work. */
  readonly signal?: Cancellation | undefined;
}

export interface RunStarterOptions {
  readonly engine: Engine;
  readonly library: Library;
  readonly identities: Identities;
  readonly limits: Limits;
  readonly inline: Consent['inline'];
  /** A run was begun. */
  readonly begun?: (() => void) | undefined;
}

export class RunStarter {
  readonly #options: RunStarterOptions;

  constructor(options: RunStarterOptions) {
    this.#options = options;
  }

  /** @throws ProxyError | RpcError | InvalidDefinition before the first step. */
  async run({ workflow, input, wait, signal }: RunRequest, who: Who): Promise<RunView> {
    const { engine, library, identities, limits, inline, begun } = this.#options;
    const caller = identities.callerOf(who);
    const read = await library.read(workflow, seenAs(who));
    if ('errors' in read) throw new InvalidDefinition(read.errors);
    const plan = planFor(read, checkInput(read.program, input, limits));
    if (read.untrusted && who !== OPERATOR)
      await askConsent(read, { inline, ask: formAsk(who), saved: library.names, signal });
    const live = await engine.begin(
      plan,
      { main: read.program, saved: read.context.programs },
      identities.ownerOf(who),
      wait ? caller : { client: caller.client },
    );
    begun?.();
    return wait ? await waitForRun(engine, live, caller, signal) : briefView(live.view);
  }
}

/** @returns the input with the defaults of its schema. @throws InvalidDefinition */
function checkInput(program: Program, input: unknown, limits: Limits): unknown {
  const given = input ?? {};
  if ((printExact(given) ?? '').length > limits.inputBytes)
    throw new InvalidDefinition([
      { path: 'input', message: `an input has at most ${limits.inputBytes} bytes` },
    ]);
  if (!program.input) return given;
  const { problems, value } = checkInTime(program.input, given, { path: 'input', ms: limits.evaluationMs });
  if (problems.length > 0) throw new InvalidDefinition(problems);
  return value;
}

function planFor(
  { program, context, name, definition, untrusted, saved }: ReadWorkflow,
  input: unknown,
): RunPlan {
  const safe = [...toolsOf(program, context.programs)].filter(
    (tool) => context.tools.get(tool)?.safeToRepeat === true,
  );
  return { name, definition, saved, safe, input, untrusted };
}
