/** Room on the disk for the journal, checked and taken in advance. */
import { closeSync, fdatasyncSync, fstatSync, openSync, statfsSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';

/** With less room than this nothing is begun any more: its outcome would find no place. */
const RESERVE_BYTES = 16 * 1024 * 1024;
/** The size at which SQLite begins its write-ahead log anew: 1,000 pages with their heads. */
const LOG_BYTES = 1000 * (4096 + 24) + 32;

/** @throws Error with the code `SQLITE_FULL` */
export function checkRoom(file: string): void {
  const { bavail, bsize } = statfsSync(dirname(file));
  if (bavail * bsize < RESERVE_BYTES)
    throw Object.assign(new Error('the disk of the state folder is full'), { code: 'SQLITE_FULL' });
}

/**
 * Gives the write-ahead log its full length at once: each flush of a log that grows waits for the file system to note
 * the new length, which takes as long again. Bytes after the last commit are no part of the log.
 *
 * The caller is within a transaction, so that nobody else writes.
 */
export function lengthenLog(file: string): void {
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
