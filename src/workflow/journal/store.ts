/**
 * The journal's tables: SQLite in WAL mode, every commit synced to the disk.
 *
 * Runs in the worker; everything here blocks.
 */
import {
  closeSync,
  existsSync,
  fdatasyncSync,
  fstatSync,
  mkdirSync,
  openSync,
  renameSync,
  statfsSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import Database from 'libsql';
import type { Change, Entry, RunFilter, RunRow, SignalRow } from './journal.ts';

/** Less room than this, and nothing is begun any more: the outcome would have no place. */
const RESERVE_BYTES = 16 * 1024 * 1024;
const BUSY_MS = 10_000;
/** As far as SQLite's write-ahead log grows before it begins anew: 1,000 pages with their heads. */
const LOG_BYTES = 1000 * (4096 + 24) + 32;

const TABLES = `
  CREATE TABLE IF NOT EXISTS runs (
    id TEXT PRIMARY KEY, workflow TEXT NOT NULL, client TEXT NOT NULL, status TEXT NOT NULL, owner TEXT NOT NULL,
    startedAt REAL NOT NULL, finishedAt REAL, interpreter INTEGER NOT NULL, plan TEXT NOT NULL, result TEXT
  ) WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS runs_by_status ON runs (status, startedAt);
  CREATE TABLE IF NOT EXISTS entries (
    runId TEXT NOT NULL, seq INTEGER NOT NULL, key TEXT NOT NULL, kind TEXT NOT NULL, at REAL NOT NULL, data TEXT NOT NULL,
    blob TEXT, PRIMARY KEY (runId, seq)
  ) WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS entries_by_blob ON entries (blob) WHERE blob IS NOT NULL;
  CREATE TABLE IF NOT EXISTS blobs (hash TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS signals (
    runId TEXT NOT NULL, key TEXT NOT NULL, data TEXT NOT NULL, PRIMARY KEY (runId, key)
  ) WITHOUT ROWID;
`;

const RUN_COLUMNS = 'id, workflow, client, status, owner, startedAt, finishedAt, interpreter, plan, result';

/** A list has no use for definitions and results. */
const LISTED_COLUMNS = RUN_COLUMNS.replace(
  'plan, result',
  `'' AS plan, json_object('error', json_extract(result, '$.error'), 'attention', json_extract(result, '$.attention')) AS result`,
);

export interface Store {
  commit(changes: readonly Change[]): void;
  runs(filter: RunFilter): RunRow[];
  run(id: string): RunRow | undefined;
  entries(runId: string): Entry[];
  claim(runId: string, from: string, to: string): boolean;
  signals(owner: string): SignalRow[];
  close(): void;
  /** What had to be put aside to open it. */
  readonly repaired: string | undefined;
}

/** A file that is no database, or a broken one, is put aside: it must not stop the proxy from starting. */
export function openStore(file: string): Store {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  try {
    return storeOver(openDatabase(file), file, undefined);
  } catch (error) {
    if (!isDamage(error)) throw error;
    const aside = `${file}.damaged-${Date.now()}`;
    for (const end of ['', '-wal', '-shm']) if (existsSync(file + end)) renameSync(file + end, aside + end);
    return storeOver(openDatabase(file), file, aside);
  }
}

type Db = InstanceType<typeof Database>;

function openDatabase(file: string): Db {
  const database = new Database(file, { timeout: BUSY_MS });
  try {
    database.pragma('journal_mode = WAL');
    database.pragma('synchronous = FULL');
    database.exec(TABLES);
    const [check] = database.pragma('quick_check(1)') as Record<string, unknown>[];
    if (check && Object.values(check)[0] !== 'ok')
      throw Object.assign(new Error('the journal is damaged'), { code: 'SQLITE_CORRUPT' });
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

function isDamage(error: unknown): boolean {
  const { code, message } = error as { code?: string; message?: string };
  return /CORRUPT|NOTADB/.test(code ?? '') || /malformed|not a database|damaged/.test(message ?? '');
}

function storeOver(database: Db, file: string, repaired: string | undefined): Store {
  const statements = new Map<string, ReturnType<Db['prepare']>>();
  const sql = (text: string): ReturnType<Db['prepare']> => {
    let statement = statements.get(text);
    if (!statement) statements.set(text, (statement = database.prepare(text)));
    return statement;
  };
  let logIsLong = false;
  const write = (text: string, ...values: readonly unknown[]): number => sql(text).run([...values]).changes;

  return {
    repaired,
    commit(changes) {
      if (changes.some(({ type }) => type === 'run' || type === 'entry')) checkRoom(file);
      transaction(() => {
        if (!logIsLong && changes.some(({ type }) => type === 'run')) {
          lengthenLog(file);
          logIsLong = true;
        }
        changes.forEach(apply);
      });
    },
    runs({ client, status, unfinished, limit }) {
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
      return sql(`SELECT ${LISTED_COLUMNS} FROM runs ${condition} ORDER BY startedAt DESC, id LIMIT ?`).all([
        ...values,
        limit,
      ]) as RunRow[];
    },
    run: (id) => sql(`SELECT ${RUN_COLUMNS} FROM runs WHERE id = ?`).get([id]) as RunRow | undefined,
    entries: (runId) =>
      sql(
        `SELECT seq, key, kind, at, CASE WHEN blob IS NULL THEN data ELSE replace(data, '"$blob"', (SELECT body FROM blobs WHERE hash = blob)) END AS data
         FROM entries WHERE runId = ? ORDER BY seq`,
      ).all([runId]) as Entry[],
    claim(runId, from, to) {
      let claimed = false;
      transaction(() => {
        claimed = write('UPDATE runs SET owner = ? WHERE id = ? AND owner = ?', to, runId, from) === 1;
      });
      return claimed;
    },
    signals: (owner) =>
      sql('SELECT runId, key, data FROM signals WHERE runId IN (SELECT id FROM runs WHERE owner = ?)').all([
        owner,
      ]) as SignalRow[],
    close() {
      try {
        database.pragma('wal_checkpoint(TRUNCATE)');
      } catch {
        // Others may be reading; the log is read at the next opening.
      }
      database.close();
    },
  };

  function transaction(work: () => void): void {
    database.exec('BEGIN IMMEDIATE');
    try {
      work();
      database.exec('COMMIT');
    } catch (error) {
      try {
        database.exec('ROLLBACK');
      } catch {
        // SQLite has rolled back by itself (a full disk).
      }
      throw error;
    }
  }

  function apply(change: Change): void {
    switch (change.type) {
      case 'run': {
        const { id, workflow, client, status, owner, startedAt, finishedAt, interpreter, plan, result } =
          change.row;
        write(
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
        if (blob) write('INSERT OR IGNORE INTO blobs (hash, body) VALUES (?,?)', blob.hash, blob.body);
        write(
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
        write(
          'UPDATE runs SET status = ?, finishedAt = ?, result = ?, owner = coalesce(?, owner) WHERE id = ?',
          status,
          finishedAt,
          result,
          owner ?? null,
          runId,
        );
        if (finishedAt !== null) write('DELETE FROM signals WHERE runId = ?', runId);
        return;
      }
      case 'signal': {
        const { runId, key, data } = change.signal;
        // The first word counts.
        write('INSERT OR IGNORE INTO signals (runId, key, data) VALUES (?,?,?)', runId, key, data);
        return;
      }
      case 'taken':
        write('DELETE FROM signals WHERE runId = ? AND key = ?', change.runId, change.key);
        return;
      case 'prune':
        prune(change.keep);
    }
  }

  function prune(keep: number): void {
    const old = `SELECT id FROM runs WHERE finishedAt IS NOT NULL ORDER BY finishedAt DESC LIMIT -1 OFFSET ${Math.trunc(keep)}`;
    write(`DELETE FROM entries WHERE runId IN (${old})`);
    write(`DELETE FROM runs WHERE id IN (${old})`);
    write('DELETE FROM blobs WHERE hash NOT IN (SELECT blob FROM entries WHERE blob IS NOT NULL)');
  }
}

function checkRoom(file: string): void {
  const { bavail, bsize } = statfsSync(dirname(file));
  if (bavail * bsize < RESERVE_BYTES)
    throw Object.assign(new Error('the disk of the state folder is full'), { code: 'SQLITE_FULL' });
}

/**
 * Gives the log its full length at once: every flush of one that grows waits for the file system to write down the new
 * length, which takes as long again. What follows the last commit is no part of the log.
 *
 * Only while nobody else can write: within a transaction.
 */
function lengthenLog(file: string): void {
  const log = openSync(`${file}-wal`, 'r+');
  try {
    const { size } = fstatSync(log);
    if (size < LOG_BYTES) {
      writeSync(log, Buffer.alloc(LOG_BYTES - size), 0, undefined, size);
      fdatasyncSync(log);
    }
  } finally {
    closeSync(log);
  }
}
