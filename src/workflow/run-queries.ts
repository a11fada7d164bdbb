/** Questions about runs, answered for those who may see them. */
import type { RunRecords } from './engine/run-records.ts';
import type { RunRow, RunStatus } from './journal/journal.ts';
import { invalidRequest } from './questions/pick-question.ts';
import { briefView, type RunView, viewOfStep } from './run-view.ts';
import { type Identities, OPERATOR, type Who } from './who.ts';

export interface RunFilterRequest {
  readonly status?: RunStatus | undefined;
  readonly limit?: number | undefined;
}

/** Further parts of a run that are to be shown. */
export interface RunDetails {
  /** Only this step, with its whole output. */
  readonly step?: string | undefined;
  /** All facts on record. */
  readonly record?: boolean;
}

const LISTED_RUNS = 50;
const MAX_LISTED_RUNS = 1000;

export class RunQueries {
  readonly #records: RunRecords;
  readonly #identities: Identities;

  constructor(records: RunRecords, identities: Identities) {
    this.#records = records;
    this.#identities = identities;
  }

  /** @throws RpcError: another client's run is as unknown as one that does not exist. */
  async row(runId: string, who: Who): Promise<RunRow> {
    const row = await this.#records.row(runId);
    const owner = this.#identities.visibleOwner(who);
    if (!row || (owner !== undefined && row.client !== owner))
      throw invalidRequest(
        `There is no run ${JSON.stringify(runId)}. ${who === OPERATOR ? '"switchyard workflow runs" lists them.' : 'workflow_runs lists yours.'}`,
      );
    return row;
  }

  async list({ status, limit = LISTED_RUNS }: RunFilterRequest, who: Who): Promise<readonly RunView[]> {
    const client = this.#identities.visibleOwner(who);
    return await this.#records.list({ client, status, limit: Math.min(limit, MAX_LISTED_RUNS) });
  }

  async show(runId: string, who: Who, { step, record }: RunDetails = {}): Promise<RunView> {
    const row = await this.row(runId, who);
    const whole = await this.#records.show(row, step !== undefined);
    const view = step === undefined ? briefView(whole) : viewOfStep(whole, step);
    return record === true ? { ...view, record: await this.#records.facts(row) } : view;
  }

  /** There are runs of anybody, or the journal cannot be read. */
  async hasRuns(): Promise<boolean> {
    const runs = await this.#records.list({ client: undefined, limit: 1 }).catch(() => [undefined]);
    return runs.length > 0;
  }
}
