/** The journal's SQLite file: WAL mode, every commit synced to the disk; a damaged file is put aside. */
import { existsSync, mkdirSync, renameSync } from 'node:fs';
import { dirname } from 'node:path';
import Database from 'libsql';

export type JournalDatabase = InstanceType<typeof Database>;

export interface OpenedDatabase {
  readonly database: JournalDatabase;
  /** The new name of a damaged file that was put aside. */
  readonly repaired: string | undefined;
}

/** Time to wait for another process's transaction, milliseconds. */
const BUSY_MS = 10_000;

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

/** Puts a file aside that is no database, or a broken one: the file must not stop the proxy from starting. */
export function openJournalDatabase(file: string): OpenedDatabase {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  try {
    return { database: openDatabase(file), repaired: undefined };
  } catch (error) {
    if (!isDamage(error)) throw error;
    const aside = `${file}.damaged-${Date.now()}`;
    for (const end of ['', '-wal', '-shm']) if (existsSync(file + end)) renameSync(file + end, aside + end);
    return { database: openDatabase(file), repaired: aside };
  }
}

function openDatabase(file: string): JournalDatabase {
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
