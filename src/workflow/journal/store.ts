/** The journal's tables as queries and changes. Runs in the worker: everything here blocks. */
import type { Change, Entry, RunFilter, RunRow, SignalRow } from './journal.ts';
import { checkRoom, lengthenLog } from './disk-room.ts';
import { type JournalDatabase, openJournalDatabase } from './open-database.ts';

const RUN_COLUMNS = 'id, workflow, client, status, owner, startedAt, finishedAt, interpreter, plan, result';

/** The columns for a list, which needs no definitions and no results. */
const LISTED_COLUMNS = RUN_COLUMNS.replace(
  'plan, result',
  `'' AS plan, json_object('error', json_extract(result, '$.error'), 'attention', json_extract(result, '$.attention')) AS result`,
);

type Statement = ReturnType<JournalDatabase['prepare']>;

export function openStore(file: string): Store {
  const { database, repaired } = openJournalDatabase(file);
  return new Store(database, file, repaired);
}

export class Store {
  /** The new name of a damaged file that was put aside. */
  readonly repaired: string | undefined;
  readonly #database: JournalDatabase;
  readonly #file: string;
  readonly #statements = new Map<string, Statement>();
  #logIsLong = false;

  constructor(database: JournalDatabase, file: string, repaired: string | undefined) {
    this.#database = database;
    this.#file = file;
    this.repaired = repaired;
  }

  /** Makes all changes or none. */
  commit(changes: readonly Change[]): void {
    if (changes.some(({ type }) => type === 'run' || type === 'entry')) checkRoom(this.#file);
    this.#transaction(() => {
      if (!this.#logIsLong && changes.some(({ type }) => type === 'run')) {
        lengthenLog(this.#file);
        this.#logIsLong = true;
      }
      for (const change of changes) this.#apply(change);
    });
  }

  /** The latest first. */
  runs({ client, status, unfinished, limit }: RunFilter): RunRow[] {
    const where: string[] = [];
    const values: unknown[] = [];
    const add = (condition: string, value: unknown): void => {
      where.push(condition);
      values.push(value);
    };
    if (client !== undefined) add('client = ?', client);
    if (status !== undefined) add('status = ?', status);
    if (unfinished === true) where.push(`status IN ('running', 'needs_attention')`);
    const condition = where.length === 0 ? '' : `WHERE ${where.join(' AND ')}`;
    return this.#sql(
      `SELECT ${LISTED_COLUMNS} FROM runs ${condition} ORDER BY startedAt DESC, id LIMIT ?`,
    ).all([...values, limit]) as RunRow[];
  }

  run(id: string): RunRow | undefined {
    return this.#sql(`SELECT ${RUN_COLUMNS} FROM runs WHERE id = ?`).get([id]) as RunRow | undefined;
  }

  entries(runId: string): Entry[] {
    return this.#sql(
      `SELECT seq, key, kind, at, CASE WHEN blob IS NULL THEN data ELSE replace(data, '"$blob"', (SELECT body FROM blobs WHERE hash = blob)) END AS data
         FROM entries WHERE runId = ? ORDER BY seq`,
    ).all([runId]) as Entry[];
  }

  /** Changes a run's owner, if `from` still owns the run. */
  claim(runId: string, from: string, to: string): boolean {
    let claimed = false;
    this.#transaction(() => {
      claimed = this.#write('UPDATE runs SET owner = ? WHERE id = ? AND owner = ?', to, runId, from) === 1;
    });
    return claimed;
  }

  signals(owner: string): SignalRow[] {
    return this.#sql(
      'SELECT runId, key, data FROM signals WHERE runId IN (SELECT id FROM runs WHERE owner = ?)',
    ).all([owner]) as SignalRow[];
  }

  close(): void {
    try {
      this.#database.pragma('wal_checkpoint(TRUNCATE)');
    } catch {
      // Others may be reading; the log is read at the next opening.
    }
    this.#database.close();
  }

  #sql(text: string): Statement {
    let statement = this.#statements.get(text);
    if (!statement) this.#statements.set(text, (statement = this.#database.prepare(text)));
    return statement;
  }

  #write(text: string, ...values: readonly unknown[]): number {
    return this.#sql(text).run([...values]).changes;
  }

  #transaction(work: () => void): void {
    this.#database.exec('BEGIN IMMEDIATE');
    try {
      work();
      this.#database.exec('COMMIT');
    } catch (error) {
      try {
        this.#database.exec('ROLLBACK');
      } catch {
        // SQLite has rolled back by itself (a full disk).
      }
      throw error;
    }
  }

  #apply(change: Change): void {
    switch (change.type) {
      case 'run': {
        const { id, workflow, client, status, owner, startedAt, finishedAt, interpreter, plan, result } =
          change.row;
        this.#write(
          `INSERT INTO runs (${RUN_COLUMNS}) VALUES (?,?,?,?,?,?,?,?,?,?)`,
          id,
          workflow,
          client,
          status,
          owner,
          startedAt,
          finishedAt,
          interpreter,
          plan,
          result,
        );
        return;
      }
      case 'entry': {
        const { runId, blob, entry } = change;
        if (blob) this.#write('INSERT OR IGNORE INTO blobs (hash, body) VALUES (?,?)', blob.hash, blob.body);
        this.#write(
          'INSERT INTO entries (runId, seq, key, kind, at, data, blob) VALUES (?,?,?,?,?,?,?)',
          runId,
          entry.seq,
          entry.key,
          entry.kind,
          entry.at,
          entry.data,
          blob?.hash ?? null,
        );
        return;
      }
      case 'status': {
        const { runId, status, finishedAt, result, owner } = change;
        this.#write(
          'UPDATE runs SET status = ?, finishedAt = ?, result = ?, owner = coalesce(?, owner) WHERE id = ?',
          status,
          finishedAt,
          result,
          owner ?? null,
          runId,
        );
        if (finishedAt !== null) this.#write('DELETE FROM signals WHERE runId = ?', runId);
        return;
      }
      case 'signal': {
        const { runId, key, data } = change.signal;
        // The first answer counts.
        this.#write('INSERT OR IGNORE INTO signals (runId, key, data) VALUES (?,?,?)', runId, key, data);
        return;
      }
      case 'taken':
        this.#write('DELETE FROM signals WHERE runId = ? AND key = ?', change.runId, change.key);
        return;
      case 'prune':
        this.#prune(change.keep);
    }
  }

  #prune(keep: number): void {
    const old = `SELECT id FROM runs WHERE finishedAt IS NOT NULL ORDER BY finishedAt DESC LIMIT -1 OFFSET ${Math.trunc(keep)}`;
    this.#write(`DELETE FROM entries WHERE runId IN (${old})`);
    this.#write(`DELETE FROM runs WHERE id IN (${old})`);
    this.#write('DELETE FROM blobs WHERE hash NOT IN (SELECT blob FROM entries WHERE blob IS NOT NULL)');
  }
}
