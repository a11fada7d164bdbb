/** Runs as they can be read: at work here or on record, with views, open questions and facts. */
import type { JsonObject } from '../../json/json.ts';
import { eventsOf, type RunRow, type RunStatus } from '../journal/journal.ts';
import type { LazyJournal } from '../journal/lazy-journal.ts';
import { attentionFor } from '../questions/attention.ts';
import type { OpenQuestion } from '../run/host.ts';
import type { StepState } from '../run/step-state.ts';
import { type Fact, readStored, type RunView, viewOf } from '../run-view.ts';
import type { LiveRun } from './live-run.ts';
import type { RunsAtWork } from './runs-at-work.ts';

export interface RunQuery {
  /** `undefined`: the runs of all clients. */
  readonly client?: string | undefined;
  readonly status?: RunStatus | undefined;
  readonly limit: number;
}

export class RunRecords {
  readonly #journal: LazyJournal;
  readonly #runs: RunsAtWork;

  constructor(journal: LazyJournal, runs: RunsAtWork) {
    this.#journal = journal;
    this.#runs = runs;
  }

  async row(id: string): Promise<RunRow | undefined> {
    return await (await this.#journal.open()).run(id);
  }

  /** The latest first, without steps and outputs. */
  async list(query: RunQuery): Promise<RunView[]> {
    const rows = await (await this.#journal.open()).runs(query);
    return rows.map((row) => {
      const {
        steps: _steps,
        output: _output,
        ...view
      } = this.#runs.get(row.id)?.view ?? viewOf(row, readStored(row.result));
      return view;
    });
  }

  /** @param whole with whole outputs, which are read from the record. */
  async show(row: RunRow, whole: boolean): Promise<RunView> {
    const live = this.#runs.get(row.id);
    if (live) return live.view;
    const stored = readStored(row.result);
    if (row.finishedAt !== null && !whole) return viewOf(row, stored);
    const replayed = await this.#runs.replay(row);
    const { attention = [] } = stored;
    const asked = attentionFor(replayed.questions);
    const { steps, output } = replayed.view;
    return viewOf(row, {
      ...stored,
      ...(output !== undefined && { output }),
      ...(steps && { steps }),
      attention: row.finishedAt === null && attention.length === 0 ? asked : attention,
    });
  }

  /** The questions of an unfinished run, in whatever process it is at work. */
  async questions(row: RunRow): Promise<readonly OpenQuestion[]> {
    return (await this.#liveOrReplayed(row)).questions;
  }

  /** The steps of the run's own workflow, with whole results. */
  async stepStates(row: RunRow): Promise<ReadonlyMap<string, StepState>> {
    return (await this.#liveOrReplayed(row)).stepStates;
  }

  /** All facts on record but the results, in the order of writing: events of one commit stand together. */
  async facts(row: RunRow): Promise<readonly Fact[]> {
    const entries = await (await this.#journal.open()).entries(row.id);
    const begun = factOf(row.startedAt, 'run', '', { workflow: row.workflow, client: row.client });
    const facts = entries.flatMap((entry) => {
      const { kind, key } = entry;
      if (kind === 'event') return eventsOf(entry).map(({ at, ...data }) => factOf(at, kind, key, data));
      const { kind: result, value: _value, ...data } = JSON.parse(entry.data) as JsonObject;
      return [factOf(entry.at, kind, key, { ...(result !== undefined && { result }), ...data })];
    });
    return [begun, ...facts];
  }

  async #liveOrReplayed(row: RunRow): Promise<LiveRun> {
    return this.#runs.get(row.id) ?? (await this.#runs.replay(row));
  }
}

function factOf(at: number, kind: Fact['kind'], key: string, data: JsonObject): Fact {
  return { at: new Date(at).toISOString(), kind, ...(key !== '' && { key }), ...data };
}
